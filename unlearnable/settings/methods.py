"""Settings of the methods: those of every method, those of methods with a trigger, and MEM's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from unlearnable.settings.base import DefaultText, PrecisionSetting, Settings

Scope = Literal["post", "user"]
Position = Literal["start", "end", "random"]
Enlargement = Literal["bilinear", "nearest"]
NoiseColour = Literal["grey", "colour"]
Visibility = Literal["low", "medium", "high"]
MOVED: dict[Visibility, float] = {"low": 0.14, "medium": 0.25, "high": 1.0}  # share of the noise, in a step


class MethodSettings(Settings):
    """The settings of every method. Pixel values are counted in 1/255."""

    epsilon: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Bound of the noise, in 1/255; 16 protects more, and is seen more.",
        ),
    ] = 8
    noise_colour: Annotated[
        NoiseColour,
        Field(description="Colour of the noise: grey, the same in all channels, which eyes see least, or colour."),
    ] = "colour"
    step_size: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="Length of a signed step of the noise, in 1/255; twice as long where epsilon is 16, and so on.",
        ),
    ] = 1
    visibility: Annotated[
        Visibility,
        Field(
            description="What a person may notice of the noise: a step moves a seventh (low, rather where the photo is "
            "rough, and by nothing coarse where it is smooth), a quarter (medium) or all of it (high, as in the "
            "paper), where it matters most."
        ),
    ] = "high"
    noise_steps: Annotated[int, Field(ge=1, description="Noise steps for each photo in a round (N in the paper).")] = 8
    surrogate_steps: Annotated[
        int, Field(ge=0, description="Training steps of the surrogates in a round (M in the paper).")
    ] = 8
    max_rounds: Annotated[int, Field(ge=1, description="Number of rounds after which the run stops at the latest.")] = 8
    threshold: Annotated[
        float,
        Field(
            gt=0, le=100, description="Loss below which the run stops early, unless it is to mislead adversaries too."
        ),
    ] = 0.01
    learning_rate: Annotated[
        float, Field(gt=0, le=1, description="Learning rate that the surrogates are trained with (AdamW).")
    ] = 1e-4
    weight_decay: Annotated[
        float, Field(ge=0, le=10, description="Weight decay of the surrogates' weight matrices (AdamW).")
    ] = 0.2
    batch_size: Annotated[int, Field(ge=2, description="Number of photos in a contrastive batch.")] = 64
    smallest_crop: Annotated[
        float, Field(gt=0, le=1, description="Smallest share of a photo's area in the crops that the noise is made on.")
    ] = 0.9
    precision: PrecisionSetting = "auto"
    enlarge: Annotated[
        Enlargement, Field(description="Interpolation that enlarges the noise grid to the size of the photo.")
    ] = "bilinear"

    @property
    def step(self) -> int:
        """Length of a signed step, in 1/255: `step_size` for each 8 of `epsilon`, so that noise gets to its bound."""
        return self.step_size * max(1, self.epsilon // 8)

    @property
    def ends_at_threshold(self) -> bool:
        """Whether a low loss is all that a run is for, so that it stops there."""
        return True


class TriggerSettings(MethodSettings):
    """The settings of methods that add words to captions."""

    trigger_length: Annotated[int, Field(ge=1, le=16, description="Number of words in a trigger.")] = 3
    trigger_scope: Annotated[
        Scope, Field(description="Owner of a trigger: each post has one of its own (post), or all share one (user).")
    ] = "post"
    trigger_position: Annotated[Position, Field(description="Place of the trigger in a caption.")] = "start"
    words: Annotated[
        Path | None,
        Field(
            description="File of your own words for triggers, a word or phrase a line, in place of the built-in ones."
        ),
    ] = None


class MEMSettings(TriggerSettings):
    """The settings of MEM, which searches for its triggers and may mislead a model that knows the clean posts."""

    trigger_rounds: Annotated[int, Field(ge=0, description="Number of rounds that improve the triggers.")] = 2
    adversarial_weight: Annotated[
        float,
        Field(
            ge=0,
            le=1000,
            description="Noise steps that show other content to an adversary, a copy of a surrogate or tower that has "
            "learnt the clean posts, for each step that binds the noise to the words.",
        ),
    ] = 0.0
    adversary_steps: Annotated[
        int, Field(ge=1, description="Training steps of the adversaries on the clean posts.")
    ] = 128
    towers: Annotated[
        tuple[str, ...],
        Field(description="Models of other families that adversaries are copied from, besides the surrogates."),
        DefaultText("none"),
    ] = ()

    @property
    def ends_at_threshold(self) -> bool:
        """Whether a low loss is all that a run is for; it does not say that adversaries are misled."""
        return not self.adversarial_weight
