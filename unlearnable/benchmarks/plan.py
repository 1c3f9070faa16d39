"""From what was asked for to the cells to run, each named by a hash of all that it depends on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from unlearnable.attacks import parse_attack
from unlearnable.attacks.base import Attack
from unlearnable.benchmarks.scale import SCALES, Scale
from unlearnable.benchmarks.suites.base import Suite
from unlearnable.config import BASELINES, BenchmarkSettings, MethodSettings, Recipe, trigger_settings
from unlearnable.methods import METHODS
from unlearnable.protection.captions import Slots, cut_captions

SEED = 0  # of the optimisation, and of random positions as in `protect`


@dataclass(frozen=True)
class ProtectionRecipe:
    """How a protection is made: a row of `methods.METHODS`, its settings, and the most that a side of the noise has."""

    name: str
    settings: MethodSettings
    noise_side: int | None = None

    def cut(self, captions: Iterable[Iterable[str]]) -> Slots:
        """Return the captions of photos, cut where the method puts its triggers."""
        length = self.settings.trigger_length if METHODS[self.name].has_trigger else 0
        return cut_captions(captions, self.settings, length, SEED)


@dataclass(frozen=True)
class CellPlan:
    """A cell to run.

    Attributes:
        method: its name in the tables, such as "mem-3".
        protection_recipe: how its protection is made; None for clean posts.
        victim: the name of the model that is trained.
        fraction: the share of the photos that is protected.
        attack: what a scraper does to the posts.
        recipe: how the victim is trained; its seed is that of the cell.
    """

    method: str
    protection_recipe: ProtectionRecipe | None
    victim: str
    fraction: float
    attack: Attack
    recipe: Recipe

    @property
    def seed(self) -> int:
        """The seed of the training and of the protected photos."""
        return self.recipe.seed

    @property
    def name(self) -> str:
        """What people call the cell; its file begins with it."""
        victim = re.sub(r"[^A-Za-z0-9]+", "-", self.victim).strip("-")[-40:]
        return f"{self.method}-{victim}-{100 * self.fraction:g}-{self.attack.name}-{self.seed}"


@dataclass(frozen=True)
class Setup:
    """A suite at a scale, with what the user asked for instead.

    Attributes:
        suite: the data set.
        scale: the scale's own values.
        surrogate: the model that protections are made on.
        victims: each victim and the architecture of the paper it stands for, if any.
        cells: what is to be run, in order.
    """

    suite: Suite
    scale: Scale
    surrogate: str
    victims: Mapping[str, str | None]
    cells: tuple[CellPlan, ...]


def set_up(settings: BenchmarkSettings, suite: Suite) -> Setup:
    """Resolve the settings against the scale.

    Raises:
        ConfigError: an attack that does not exist.
    """
    attacks = [parse_attack(name) for name in dict.fromkeys(settings.through)]
    scale = SCALES[suite.kind, settings.scale]
    known = {**scale.victims, **dict(_exact(settings.victims or ()))}
    victims = {name: known.get(name) for name in settings.victims or scale.victims}
    methods = settings.methods or scale.methods
    fractions = settings.fractions or scale.fractions
    cells = [
        CellPlan(
            method,
            protection_recipe(method, scale, suite),
            victim,
            fraction,
            attack,
            scale.recipe.model_copy(update={"seed": seed}),
        )
        for victim in victims
        for method in dict.fromkeys(methods)
        for fraction in dict.fromkeys(_fractions(method, victim, fractions, first=next(iter(victims))))
        for attack in attacks
        for seed in dict.fromkeys(settings.seeds)
    ]
    return Setup(suite, scale, settings.surrogate or scale.surrogate, victims, tuple(cells))


def protection_recipe(method: str, scale: Scale, suite: Suite) -> ProtectionRecipe | None:
    """Return how the protection of a method is made; None for clean posts."""
    if method == "clean":
        return None
    if method in BASELINES:
        return ProtectionRecipe(method, scale.method, suite.noise_side)
    return ProtectionRecipe("mem", scale.method.model_copy(update=trigger_settings(method)), suite.noise_side)


def digest(*parts: object) -> str:
    """sha256 over the parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _fractions(method: str, victim: str, fractions: tuple[float, ...], *, first: str) -> tuple[float, ...]:
    """Clean posts have no fraction; baselines and further victims are only measured in full, as in the paper."""
    if method in BASELINES or victim != first:
        return (1.0,)
    return fractions


def _exact(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Victims that are of an architecture of the paper."""
    parts = [(name, name.partition(":")[0].replace("/", "-")) for name in names]
    return [(name, architecture) for name, architecture in parts if architecture in {"RN50", "RN101", "ViT-B-32"}]
