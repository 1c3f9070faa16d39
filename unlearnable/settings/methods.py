"""How noise and words are made: the numbers behind a preset. Each is chosen by measurement, none is an option."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from unlearnable.settings.base import Precision

Position = Literal["start", "end", "random"]
NoiseColour = Literal["grey", "colour"]
Visibility = Literal["low", "medium", "high"]
MOVED: dict[Visibility, float] = {"low": 0.14, "medium": 0.25, "high": 1.0}  # share of the noise, in a step


@dataclass(frozen=True)
class Hyperparameters:
    """Everything that a method's noise and words depend on, besides the posts. Pixel values are counted in 1/255."""

    epsilon: int = 8
    trigger_length: int = 3  # words
    trigger_position: Position = "start"
    words: Path | None = None  # a file of words for triggers, in place of the built-in ones

    noise_colour: NoiseColour = "colour"  # grey, the same in all channels, is what eyes see least
    step_size: int = 1  # for each 8 of epsilon
    visibility: Visibility = "high"  # how much of the noise a step moves; low hides it in texture, high is the paper's
    noise_steps: int = 8  # for each photo in a round, N in the paper
    surrogate_steps: int = 8  # in a round, M in the paper
    max_rounds: int = 8
    trigger_rounds: int = 2  # the first ones improve the triggers
    threshold: float = 0.01  # loss below which the run stops early, unless proxies take part
    learning_rate: float = 1e-4  # of the surrogates (AdamW)
    weight_decay: float = 0.2
    batch_size: int = 64
    smallest_crop: float = 0.9  # share of a photo's area, in the crops that the noise is made on
    precision: Precision = "auto"
    proxies: tuple[str, ...] = ()  # models of other families, which are tuned on the clean posts beside the surrogates
    proxy_weight: float = 0.0  # noise steps by the feature-shift loss of the proxies, for each one by the MEM loss
    proxy_tuning_steps: int = 128

    @property
    def step(self) -> int:
        """Length of a signed step, in 1/255: `step_size` for each 8 of `epsilon`, so that noise gets to its bound."""
        return self.step_size * max(1, self.epsilon // 8)

    @property
    def ends_at_threshold(self) -> bool:
        """Whether a low loss is all that a run is for; it does not say that the features in proxies have shifted."""
        return not self.proxy_weight


PAPER = Hyperparameters()
BALANCED = Hyperparameters(
    noise_colour="grey",
    visibility="low",
    noise_steps=12,
    proxies=("resnet-small", "vit-small"),
    proxy_weight=9.0,
    proxy_tuning_steps=32,
)
PRESETS: dict[str, Hyperparameters] = {
    "fast": replace(PAPER, max_rounds=4, surrogate_steps=4, trigger_rounds=1),
    "balanced": BALANCED,
    "strong": replace(BALANCED, noise_steps=16, visibility="medium"),
}
