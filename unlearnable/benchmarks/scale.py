"""The scales of a benchmark: the paper's set-up, one for two cores, and one that only shows that everything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unlearnable.benchmarks.suites.base import Kind
from unlearnable.config import SMALL_VIT_RATE, MEMSettings, Recipe, ScaleName

SIX = ("clean", "random", "em", "uap", "mem-3", "mem-5")
PAPER_VICTIMS = {"RN50": "RN50", "RN101": "RN101", "ViT-B-32": "ViT-B-32"}


@dataclass(frozen=True)
class Scale:
    """The size and settings of a benchmark.

    Attributes:
        surrogate: name of the model that protections are made on.
        victims: name of each model to train, and the architecture of the paper that it stands for.
        from_scratch: whether surrogate and victims start from random weights, different for each.
        pixels: side in pixels of the square photo that stands for the file.
        method: settings of the methods.
        recipe: how victims are trained.
        rates: highest learning rates of victims that do not learn at the recipe's.
        methods: names of the methods to compare.
        fractions: shares of the posts to protect, for mem-K.
        train: largest number of training photos (per person, for faces); None for all.
        captions: largest number of captions per training photo, the first ones; the gallery uses all.
        test: largest number of photos to rank; None for all.
        differs: differences from the paper's set-up, one sentence each.
    """

    surrogate: str
    victims: Mapping[str, str]
    from_scratch: bool
    pixels: int
    method: MEMSettings
    recipe: Recipe
    methods: tuple[str, ...] = SIX
    fractions: tuple[float, ...] = (1.0,)
    train: int | None = None
    captions: int | None = None
    test: int | None = None
    differs: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)

    def recipe_of(self, victim: str, seed: int) -> Recipe:
        """Return how a victim is trained with a seed."""
        return self.recipe.model_copy(update={"seed": seed, "lr": self.rates.get(victim, self.recipe.lr)})


TINY = MEMSettings(
    surrogate_steps=2,
    max_rounds=2,
    trigger_rounds=1,
    noise_steps=2,
    batch_size=16,
)
SCALES: Mapping[tuple[Kind, ScaleName], Scale] = {
    ("captions", "paper"): Scale(
        surrogate="RN50",
        victims=PAPER_VICTIMS,
        from_scratch=True,
        pixels=224,
        method=MEMSettings(
            surrogate_steps=200, max_rounds=20, trigger_rounds=5, batch_size=128, learning_rate=1e-4, threshold=1e-6
        ),
        recipe=Recipe(epochs=32, lr=5e-4, batch_size=128),
        methods=SIX,
        fractions=(1.0, 0.9, 0.5, 0.2),
        differs=(
            "Noise is made under crops and flips and passes through 8-bit pixels; one noise serves five captions.",
            "All rounds are run, without stopping at a loss of 0.01; the surrogate's rate is 1e-4.",
        ),
    ),
    ("captions", "small"): Scale(
        surrogate="small-start",
        victims={"small-start": "RN50"},
        from_scratch=True,
        pixels=64,
        method=MEMSettings(
            surrogate_steps=40, max_rounds=4, trigger_rounds=2, batch_size=128, learning_rate=1e-3, threshold=1e-6
        ),
        recipe=Recipe(epochs=10, lr=1e-3, batch_size=128),
        fractions=(1.0, 0.9, 0.5, 0.2),
        train=2000,
        captions=1,
        differs=(
            "The first 2,000 training photos with their first caption instead of all with five; the whole test split.",
            "A small CLIP at 64 pixels instead of RN50 at 224; its photo encoder starts from ImageNet, the rest "
            "from random weights that differ between surrogate and victim.",
            "10 epochs at 1e-3 instead of 32 at 5e-4.",
            "4 rounds of 40 surrogate steps and 8 noise steps instead of 20 of 200 and 8, for all methods.",
        ),
    ),
    ("captions", "tiny"): Scale(
        surrogate="small-start",
        victims={"small-start": "RN50"},
        from_scratch=True,
        pixels=64,
        method=TINY,
        recipe=Recipe(epochs=1, lr=5e-4, batch_size=16, one_caption=True),
        methods=("clean", "mem-3"),
        train=24,
        test=12,
        differs=("So small that the figures mean nothing: it shows that everything runs.",),
    ),
    ("faces", "paper"): Scale(
        surrogate="RN50:openai",
        victims={f"{name}:openai": name for name in PAPER_VICTIMS},
        from_scratch=False,
        pixels=224,
        method=MEMSettings(
            surrogate_steps=50, max_rounds=10, trigger_rounds=2, batch_size=128, learning_rate=1e-5, threshold=1e-6
        ),
        recipe=Recipe(epochs=10, lr=1e-5, batch_size=128),
        methods=("clean", "mem-3", "mem-5"),
        differs=(
            "Noise is made under crops and flips and passes through 8-bit pixels.",
            "All rounds are run, without stopping at a loss of 0.01.",
        ),
    ),
    ("faces", "small"): Scale(
        surrogate="small",
        victims={"small": "RN50", "conv-small": "RN101", "resnet-small": "ViT-B-32"},
        from_scratch=False,
        pixels=144,
        method=MEMSettings(),
        recipe=Recipe(epochs=10, lr=1e-3, batch_size=64),
        methods=("clean", "mem-3", "mem-5"),
        train=8,
        differs=(
            "Small CLIPs trained on Flickr8k (all but the surrogate also on faces of other people) instead of "
            "OpenAI's: the surrogate itself for RN50, another of its family for RN101, CLIP's ResNet for ViT-B/32.",
            "8 photos of each person instead of all; batches of 64 instead of 128.",
            "A rate of 1e-3 (for vit-small 3e-4) instead of 1e-5, at which they learn nothing.",
        ),
        rates={"vit-small": SMALL_VIT_RATE},
    ),
    ("faces", "tiny"): Scale(
        surrogate="small",
        victims={"small": "RN50"},
        from_scratch=False,
        pixels=112,
        method=TINY,
        recipe=Recipe(epochs=1, lr=1e-3, batch_size=16),
        methods=("clean", "mem-3"),
        train=2,
        differs=("So small that the figures mean nothing: it shows that everything runs.",),
    ),
}
