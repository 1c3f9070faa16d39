"""Settings of `protect`. Each default is written once, on its field; a preset says only what it changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Preset = Literal["fast", "balanced", "strong"]
Scope = Literal["post", "user"]
Position = Literal["start", "end", "random"]
Vocabulary = Literal["words", "natural"]
Format = Literal["auto", "png", "webp", "jpeg"]
Keep = Literal["none", "safe", "all"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Seed = Annotated[int, Field(ge=0, lt=2**63, description="of all randomness")]

PLACES = frozenset({"photos", "captions", "output", "avoid_words"})
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"max_rounds": 4, "surrogate_steps": 4, "trigger_rounds": 1},
    "balanced": {},
    "strong": {"adversarial_weight": 1.0},
}


class MethodSettings(BaseModel):
    """What the optimisation of noise and triggers is told; pixel units are 1/255."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epsilon: Annotated[int, Field(ge=1, le=64, description="L-inf bound of the noise, in 1/255")] = 8
    step_size: Annotated[int, Field(ge=1, le=16, description="size of a signed noise step, in 1/255")] = 1
    noise_steps: Annotated[int, Field(ge=1, description="noise steps a photo and round (N)")] = 8
    surrogate_steps: Annotated[int, Field(ge=0, description="surrogate training steps a round (M)")] = 8
    max_rounds: Annotated[int, Field(ge=1, description="rounds at most")] = 8
    threshold: Annotated[float, Field(gt=0, le=100, description="stop when the loss is below this")] = 0.01
    learning_rate: Annotated[float, Field(gt=0, le=1, description="of the surrogate (AdamW)")] = 1e-4
    weight_decay: Annotated[float, Field(ge=0, le=10, description="of the surrogate's matrices")] = 0.2
    batch_size: Annotated[int, Field(ge=2, description="photos in a contrastive batch")] = 64
    trigger_length: Annotated[int, Field(ge=1, le=20, description="words a trigger")] = 3
    trigger_scope: Annotated[Scope, Field(description="a trigger a photo, or one for all")] = "post"
    trigger_position: Annotated[Position, Field(description="where in the caption the trigger stands")] = "start"
    trigger_vocabulary: Annotated[
        Vocabulary, Field(description="any ordinary words, or those a language model finds natural there")
    ] = "words"
    language_model: Annotated[str, Field(description="proposes natural triggers: a name or a folder")] = "small-mlm"
    fluency: Annotated[
        float, Field(ge=0, le=1000, description="price of a nat of a natural trigger's likelihood, in loss (lambda)")
    ] = 0.02
    proposals: Annotated[int, Field(ge=1, description="the language model's top words at each position")] = 1024
    fluent_beam: Annotated[int, Field(ge=1, le=16, description="natural triggers kept in the search")] = 4
    avoid_words: Annotated[Path | None, Field(description="file of words that no trigger may hold")] = None
    trigger_rounds: Annotated[int, Field(ge=0, description="rounds that improve the triggers")] = 2
    candidates: Annotated[int, Field(ge=1, le=256, description="words tried at each position (top k)")] = 16
    beam_width: Annotated[int, Field(ge=1, le=16, description="triggers kept in the search")] = 1
    adversarial_weight: Annotated[
        float,
        Field(
            ge=0, le=1000, description="of the noise's other aim, to show other content to a model that knows the posts"
        ),
    ] = 0.0
    adversary_steps: Annotated[int, Field(ge=1, description="training steps of that model, on the clean posts")] = 128
    smallest_crop: Annotated[
        float, Field(gt=0, le=1, description="smallest share of a photo in the crops the noise is made under")
    ] = 0.9
    enlarge: Annotated[
        Literal["bilinear", "nearest"], Field(description="how the noise grid is enlarged to the photo")
    ] = "bilinear"


class ProtectSettings(MethodSettings):
    """Everything a `protect` run depends on; saved with it as run.toml."""

    photos: Path
    captions: Path | None = None
    output: Path | None = None
    method: str = "mem"
    surrogate: tuple[str, ...] = ("small",)
    preset: Preset = "balanced"
    format: Format = "auto"
    quality: Annotated[int, Field(ge=1, le=100)] = 95
    keep_metadata: Keep = "safe"
    strict: bool = False
    seed: Seed = 0
    device: Device = "auto"
    options: Annotated[
        dict[str, bool | int | float | str],
        Field(description="Settings of its own of a method that an installed package adds, by name."),
    ] = {}


def digest(settings: ProtectSettings) -> str:
    """Hash of what the result depends on: everything but where the files lie and the device's name."""
    return hashlib.sha256(settings.model_dump_json(exclude={*PLACES, "strict"}).encode()).hexdigest()
