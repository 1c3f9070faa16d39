"""Settings of `train`, `verify` and `explain`, and the suites of attacks and attackers that `verify` knows by name."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from unlearnable.settings.base import DefaultText, DeviceSetting, Seed, Seeds, SeedSetting, Settings, ToldApart

SCRATCH_EPOCHS, SCRATCH_RATE = 32, 5e-4
TUNING_EPOCHS, TUNING_RATE = 10, 1e-5
SMALL_RATE = 1e-3  # at 1e-5, right for a large CLIP, small models learn nothing from a few hundred posts
SMALL_VIT_RATE = 3e-4  # at 1e-3 a small vision transformer learns half as much
WARMUP = 0.1
AS_PUBLISHED = "png"  # the attack that changes nothing: photos and captions stay as they were published
AS_USUAL = "plain"  # the attacker that trains as usual
NEVER_TESTED = ("diffusion purification", "recaptioning by a large vision-language model")  # known, and in no suite

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
FoundCaptions = DefaultText("one that is found in the folder")


class TrainSettings(Settings):
    """Everything a `train` run depends on; `epochs` and `lr` depend on the model where they are not given."""

    without_variable: ClassVar[frozenset[str]] = frozenset({"data"})  # UNLEARNABLE_DATA: where `benchmark` looks

    data: tuple[Path, ...] = Field(
        min_length=1,
        description="Folder of photos with captions to train on; a photo in several is one, with the captions of all.",
    )
    captions: Annotated[tuple[Path, ...], FoundCaptions] = Field(
        default=(),
        description="Caption file of each --data; `people` for folders of faces with invented names, `people:real` "
        "with their own.",
    )
    test_fraction: float = Field(
        default=0.1, ge=0, lt=1, description="Share of photos held out where the data names no split."
    )
    model: str = Field(
        default="small",
        description="Model to train: an architecture (conv-small, RN50, ...) starts from scratch; small, RN50:openai "
        "or a checkpoint is fine-tuned, and with --pretrained so are conv-small, resnet-small and vit-small, which are "
        "bundled.",
    )
    from_scratch: Annotated[bool | None, DefaultText("random ones for an architecture")] = Field(
        default=None, description="Weights to start at: random ones, or those of the model."
    )
    output: Path = Field(default=Path("model.safetensors"), description="Checkpoint to write.")
    batch_size: int = Field(default=128, ge=2, description="Number of pairs in a contrastive batch.")
    one_caption: bool = Field(default=False, description="Captions of a photo that an epoch shows: one, or all.")
    epochs: Epochs = None
    lr: Rate = None
    seed: SeedSetting = 0
    device: DeviceSetting = "auto"


def changing(through: str, attacker: str) -> list[str]:
    """Return the names of an attack and an attacker without those that change nothing."""
    return [name for name in (through, attacker) if name not in (AS_PUBLISHED, AS_USUAL)]


Through = Annotated[
    tuple[str, ...],
    Field(
        min_length=1,
        description="Attack that a scraper makes on the posts before training: png changes nothing, "
        "`unlearnable list attacks` lists the others.",
    ),
]


class AttackSuite(NamedTuple):
    """Attacks that the plain attacker meets posts through, and attackers who train on posts as they were published.

    A complete one has all attacks and attackers, and clean posts through each attack on photos, which tells its cost.
    """

    through: tuple[str, ...]
    attackers: tuple[str, ...] = ()  # besides the plain one
    complete: bool = False


SuiteName = Literal["quick", "standard", "full"]
SUITES: dict[SuiteName, AttackSuite] = {
    "quick": AttackSuite((AS_PUBLISHED, "jpeg-75", "strip-trigger")),
    "standard": AttackSuite(
        (
            AS_PUBLISHED, "jpeg-75", "jpeg-10", "avif-60", "downup-50", "grayscale", "noise-8", "tv-5", "nlmeans",
            "wavelet", "sharpen-150", "rotate-5", "strip-trigger", "drop-odd-words",
        ),
        (
            "cutout", "cutmix", "mixup", "ueraser-max", "adversarial", "frozen", "probe", "drop-dissimilar",
        ),
    ),
    "full": AttackSuite(
        ("resize-512+jpeg-75", "grayscale+strip-trigger", "downup-50+jpeg-75+strip-trigger"), complete=True
    ),
}  # fmt: skip


class VerifySettings(Settings):
    """Everything a `verify` run depends on; `epochs` and `lr` depend on the victim where they are not given."""

    originals: Annotated[Path, DefaultText("those of the last protect run")] = Field(
        description="Folder of the original photos, or their caption file."
    )
    protected: Annotated[Path, DefaultText("ORIGINALS-protected")] = Field(
        description="Folder of the protected copies, or their caption file."
    )
    captions: Annotated[Path | None, FoundCaptions] = Field(
        default=None, description="Caption file of the originals; `people` for folders of faces, here and below."
    )
    test: Annotated[Path | None, DefaultText("a share of the originals, --test-fraction")] = Field(
        default=None, description="Folder of clean photos to rank, or their caption file."
    )
    test_fraction: float = Field(
        default=0.2, gt=0, lt=1, description="Share of the originals held out to be ranked where there is no --test."
    )
    background: Path | None = Field(
        default=None, description="Folder or caption file of other people's clean posts to train every victim on too."
    )
    crowd: Path | None = Field(
        default=None,
        description="Folder or caption file of other people's clean posts to train on and to rank: measures what is "
        "learnt of the protected people among them.",
    )
    crowd_test: Annotated[Path | None, DefaultText("the test split of the crowd, or the share --test-fraction")] = (
        Field(default=None, description="Folder of the crowd's photos to rank, or their caption file.")
    )
    leaked: float = Field(
        default=0.5, ge=0, lt=1, description="Share of the protected photos that leaked clean, beside --crowd."
    )
    victims: Annotated[tuple[str, ...], ToldApart] = Field(
        default=("small", "conv-small"),  # no preset makes noise on the second
        min_length=1,
        description="Model to train on the posts: small, conv-small, resnet-small and vit-small (bundled), an "
        "open_clip name with its weights such as RN50:openai, or a checkpoint.",
    )
    from_scratch: bool = Field(default=False, description="Train from random weights in place of fine-tuning.")
    epochs: Epochs = None
    lr: Rate = None
    suite: SuiteName | None = Field(
        default=None,
        description="Set of attacks and attackers to test: quick takes minutes, standard is for a table, full is all "
        "that is installed. --through and --attacker add to it.",
    )
    through: Through = (AS_PUBLISHED,)
    attackers: tuple[str, ...] = Field(
        default=(AS_USUAL,),
        min_length=1,
        description="What an attacker does in the training to get past the protection; the clean posts are trained on "
        "in the same way. plain does nothing.",
    )
    ablations: bool = Field(
        default=False, description="Train also on noise alone, on triggers alone, and on random noise and words."
    )
    seeds: Seeds = (0, 1, 2)
    seed: Seed = Field(default=0, description="Seed that draws the held-out photos.")
    require: tuple[str, ...] = Field(
        default=(),
        description='Requirement on every victim and attack, such as "hit10<=10", "medr>=30" or "effect>=0.9"; the '
        "exit code is 10 where one is missed.",
    )
    output: Annotated[Path | None, DefaultText("PROTECTED.verify")] = Field(
        default=None, description="Folder of the report and its cells."
    )
    device: DeviceSetting = "auto"

    @model_validator(mode="after")
    def _crowd_is_given(self) -> "VerifySettings":
        if self.crowd is None and (self.crowd_test or self.leaked != type(self).model_fields["leaked"].default):
            raise ValueError("`crowd_test` and `leaked` need other people's posts, `crowd`")
        return self

    @property
    def copies(self) -> Path:
        """Folder of the protected copies."""
        return self.protected.parent if self.protected.is_file() else self.protected


_OF_THE_MANIFEST = DefaultText("from the manifest, for a photo that protect wrote")


class ExplainSettings(Settings):
    """Everything an `explain` run depends on: a photo to be explained, posts to be mapped, or both.

    `caption` and `trigger` may be left out for a photo that `protect` wrote, whose manifest has them. `map` is one
    folder or caption file for all models, or one for each.
    """

    photo: Path | None = Field(default=None, description="Photo to explain.")
    caption: Annotated[str | None, _OF_THE_MANIFEST] = Field(default=None, description="Caption of the photo.")
    trigger: Annotated[str | None, _OF_THE_MANIFEST] = Field(default=None, description="Words of its trigger.")
    model: tuple[str, ...] = Field(
        min_length=1,
        description="Model to look into: small (bundled), an open_clip name with its weights such as RN50:openai, or a "
        "checkpoint. Several are compared.",
    )
    map: tuple[Path, ...] = Field(
        default=(),
        description="Folder or caption file of posts to draw as a t-SNE map: one, or one for each model.",
    )
    output: Path = Field(default=Path("explained"), description="Folder to write figures and numbers to.")
    seed: SeedSetting = 0
    device: DeviceSetting = "auto"
