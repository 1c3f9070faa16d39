"""Settings of `train`, and the recipe that it shares with `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from unlearnable.config.protect import Device, Seed

Precision = Literal["auto", "fp32", "bf16"]
Epochs = Annotated[int, Field(ge=0, description="times every pair is seen")]
Rate = Annotated[float, Field(gt=0, le=1, description="highest learning rate")]


class Schedule(BaseModel):
    """How a CLIP is trained, but for how long and how fast: AdamW, linear warm-up, then a cosine down to zero."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    batch_size: Annotated[int, Field(ge=2, description="pairs in a contrastive batch")] = 128
    weight_decay: Annotated[float, Field(ge=0, le=10, description="of the matrices")] = 0.2
    warmup: Annotated[float, Field(ge=0, le=1, description="share of all steps in which the rate rises")] = 0.1
    smallest_crop: Annotated[float, Field(gt=0, le=1, description="smallest share of a photo in a crop")] = 0.9
    one_caption: Annotated[bool, Field(description="each epoch shows a photo once, with one of its captions")] = False
    precision: Annotated[Precision, Field(description="bf16 autocast; auto uses it on a GPU that has it")] = "auto"


class Recipe(Schedule):
    """A schedule with its length, its rate and its seed."""

    epochs: Epochs
    lr: Rate
    seed: Seed = 0


class TrainSettings(Schedule):
    """Everything a `train` run depends on; `epochs` and `lr` depend on the model where they are not given."""

    data: Annotated[tuple[Path, ...], Field(min_length=1)]
    captions: tuple[Path, ...] = ()
    test_fraction: Annotated[float, Field(ge=0, lt=1, description="held out where the data names no split")] = 0.1
    model: str = "small"
    output: Path = Path("model.safetensors")
    epochs: Epochs | None = None
    lr: Rate | None = None
    seed: Seed = 0
    device: Device = "auto"
