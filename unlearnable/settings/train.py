"""Settings of `train`, and the length and rate of a training, which `verify` asks for too."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from unlearnable.settings.base import DefaultText, DeviceSetting, SeedSetting, Settings

SCRATCH_EPOCHS, SCRATCH_RATE = 32, 5e-4
TUNING_EPOCHS, TUNING_RATE = 10, 1e-5
SMALL_RATE = 1e-3  # at 1e-5, right for a large CLIP, small models learn nothing from a few hundred posts
SMALL_VIT_RATE = 3e-4  # at 1e-3 a small vision transformer learns half as much
WARMUP = 0.1

Epochs = Annotated[
    int | None,
    Field(ge=0, description="Number of times that every pair is trained on."),
    DefaultText(f"{TUNING_EPOCHS} in fine-tuning, {SCRATCH_EPOCHS} from scratch"),
]
Rate = Annotated[
    float | None,
    Field(gt=0, le=1, description="Highest learning rate, which is reached at the end of the warm-up."),
    DefaultText(
        f"{SMALL_RATE:g} for small models, {SMALL_VIT_RATE:g} for a small vision transformer, {TUNING_RATE:g} for "
        f"others, {SCRATCH_RATE:g} from scratch"
    ),
]


class TrainSettings(Settings):
    """Everything a `train` run depends on; `epochs` and `lr` depend on the model where they are not given."""

    without_variable: ClassVar[frozenset[str]] = frozenset({"data"})  # UNLEARNABLE_DATA: where `benchmark` looks

    data: Annotated[
        tuple[Path, ...],
        Field(
            min_length=1,
            description="Folder of photos with captions to train on; a photo that is in several is one, with the "
            "captions of all.",
        ),
    ]
    captions: Annotated[
        tuple[Path, ...],
        Field(
            description="Caption file of each --data; `people` for folders of faces with invented names, "
            "`people:real` with their own."
        ),
        DefaultText("one that is found in the folder"),
    ] = ()
    test_fraction: Annotated[
        float, Field(ge=0, lt=1, description="Share of the photos held out where the data names no split.")
    ] = 0.1
    model: Annotated[
        str,
        Field(
            description="Model to train: an architecture (conv-small, RN50, ...) starts from scratch; small, "
            "RN50:openai or a checkpoint is fine-tuned, and with --pretrained so are conv-small, resnet-small and "
            "vit-small, which are bundled."
        ),
    ] = "small"
    from_scratch: Annotated[
        bool | None,
        Field(description="Weights to start at: random ones, or those of the model."),
        DefaultText("random ones for an architecture"),
    ] = None
    output: Annotated[Path, Field(description="Checkpoint to write.")] = Path("model.safetensors")
    batch_size: Annotated[int, Field(ge=2, description="Number of pairs in a contrastive batch.")] = 128
    one_caption: Annotated[bool, Field(description="Captions of a photo that an epoch shows: one of them, or all.")] = (
        False
    )
    epochs: Epochs = None
    lr: Rate = None
    seed: SeedSetting = 0
    device: DeviceSetting = "auto"
