"""Resolve the settings of a benchmark at a scale into the cells to run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from unlearnable.benchmark.suites import Kind, Suite
from unlearnable.methods import METHODS
from unlearnable.methods.words import Slots, cut_captions, load_words
from unlearnable.settings import SMALL_VIT_RATE, BenchmarkSettings, Hyperparameters, ScaleName, mem_name
from unlearnable.training.loop import Recipe
from unlearnable.verify.attacks import parse_attack
from unlearnable.verify.attacks.base import Attack

SIX = ("clean", "random", "em", "uap", "mem-3", "mem-5")
PAPER_VICTIMS = {"RN50": "RN50", "RN101": "RN101", "ViT-B-32": "ViT-B-32"}


@dataclass(frozen=True)
class Scale:
    """The size and settings of a benchmark."""

    surrogate: str  # name of the model that protections are made on
    victims: Mapping[str, str]  # each model to train, and the architecture of the paper that it stands for
    from_scratch: bool  # whether surrogate and victims start from random weights, different for each
    pixels: int  # side in pixels of the square photo that stands for the file
    method: Hyperparameters
    recipe: Recipe  # how victims are trained
    methods: tuple[str, ...] = SIX
    fractions: tuple[float, ...] = (1.0,)  # shares of the posts to protect, for mem-K
    train: int | None = None  # largest number of training photos (per person, for faces)
    captions: int | None = None  # largest number of captions per training photo; the gallery uses all
    test: int | None = None  # largest number of photos to rank
    differs: tuple[str, ...] = ()  # differences from the paper's set-up, one sentence each
    rates: Mapping[str, float] = field(default_factory=dict)  # of victims that do not learn at the recipe's

    def recipe_of(self, victim: str, seed: int) -> Recipe:
        """Return how a victim is trained with a seed."""
        return replace(self.recipe, seed=seed, lr=self.rates.get(victim, self.recipe.lr))


TINY = Hyperparameters(surrogate_steps=2, max_rounds=2, trigger_rounds=1, noise_steps=2, batch_size=16)
SCALES: Mapping[tuple[Kind, ScaleName], Scale] = {
    ("captions", "paper"): Scale(
        surrogate="RN50",
        victims=PAPER_VICTIMS,
        from_scratch=True,
        pixels=224,
        method=Hyperparameters(
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
        method=Hyperparameters(
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
        method=Hyperparameters(
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
        method=Hyperparameters(),
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


@dataclass(frozen=True)
class ProtectionRecipe:
    """How a protection is made: by a method of `methods.METHODS` and its settings."""

    name: str
    settings: Hyperparameters
    noise_side: int | None = None  # largest side of the noise in pixels; None for the surrogate's image size
    seed: int = 0  # of the optimisation, and of random positions of the trigger

    def cut(self, captions: Iterable[Iterable[str]]) -> Slots:
        """Return the captions of photos, cut at the positions of the method's triggers."""
        words = self.settings.trigger_length if METHODS[self.name].has_trigger else 0
        return cut_captions(captions, self.settings, words * load_words(self.settings).longest, self.seed)


@dataclass(frozen=True)
class CellPlan:
    """A cell of the tables of a suite."""

    protection_recipe: ProtectionRecipe | None  # None without protected posts
    victim: str
    attack: Attack  # what a scraper does to the posts
    recipe: Recipe  # how the victim is trained; its seed is that of the cell
    method: str  # name in the tables, such as "mem-3", or "clean"
    fraction: float  # share of the photos that is protected, drawn by the seed

    @property
    def seed(self) -> int:
        """The seed of the training."""
        return self.recipe.seed

    @property
    def start_seed(self) -> int:
        """The seed of the victim's random weights, which differ from the surrogate's, drawn with seed 0."""
        return self.seed + 1

    @property
    def name(self) -> str:
        """A readable name of the cell, with which its file name begins."""
        victim = re.sub(r"[^A-Za-z0-9]+", "-", self.victim).strip("-")[-40:]
        return f"{self.method}-{victim}-{100 * self.fraction:g}-{self.attack.name}-{self.seed}"

    @property
    def title(self) -> str:
        """What is shown while its victim is trained."""
        share = f", {100 * self.fraction:g} % protected" if self.fraction < 1 else ""
        return f"{self.victim} on {self.method}{share}, {self.attack.name}, seed {self.seed}"


@dataclass(frozen=True)
class Setup:
    """A suite at a scale, with the user's changes to it."""

    suite: Suite
    scale: Scale  # before the user's changes
    surrogate: str
    victims: Mapping[str, str | None]  # each victim, and the architecture of the paper that it stands for, if any
    cells: tuple[CellPlan, ...]


def set_up(settings: BenchmarkSettings, suite: Suite) -> Setup:
    """Resolve the settings against the scale.

    Raises:
        ConfigError: an attack does not exist.
    """
    attacks = [parse_attack(name) for name in dict.fromkeys(settings.through)]
    scale = SCALES[suite.kind, settings.scale]
    names = settings.victims or tuple(scale.victims)
    victims = {name: scale.victims.get(name, _architecture(name)) for name in names}
    cells = []
    for victim in victims:
        for method in dict.fromkeys(settings.methods or scale.methods):
            fractions: tuple[float, ...] = (1.0,)  # as in the paper, parts are for MEM and the first victim
            if mem_name(method) and victim == names[0]:
                fractions = settings.fractions or scale.fractions
            recipe = protection_recipe(method, scale, suite)
            cells += [
                CellPlan(recipe, victim, attack, scale.recipe_of(victim, seed), method, fraction)
                for fraction in dict.fromkeys(fractions)
                for attack in attacks
                for seed in dict.fromkeys(settings.seeds)
            ]
    return Setup(suite, scale, settings.surrogate or scale.surrogate, victims, tuple(cells))


def protection_recipe(method: str, scale: Scale, suite: Suite) -> ProtectionRecipe | None:
    """Return how the protection of a method is made; None for clean posts."""
    if method == "clean":
        return None
    named = mem_name(method)
    settings = named.applied_to(scale.method) if named else scale.method
    return ProtectionRecipe("mem" if named else method, settings, suite.noise_side)


def _architecture(victim: str) -> str | None:
    """Return the architecture of the paper that a victim has, if it is one."""
    name = victim.partition(":")[0].replace("/", "-")
    return name if name in PAPER_VICTIMS else None


def digest(*parts: object) -> str:
    """Return the hex SHA-256 over the parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()
