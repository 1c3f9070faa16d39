"""Resolve the settings of a benchmark into the cells to run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from unlearnable.benchmarks.scale import SCALES, Scale
from unlearnable.benchmarks.suites.base import Suite
from unlearnable.config import BenchmarkSettings, MEMSettings, Recipe, named_settings
from unlearnable.methods import METHODS
from unlearnable.methods.captions import Slots, cut_captions
from unlearnable.methods.words import load_words
from unlearnable.verify.attacks import parse_attack
from unlearnable.verify.attacks.base import Attack

SEED = 0  # seed of the optimisation, and of random positions as in `protect`


@dataclass(frozen=True)
class ProtectionRecipe:
    """How a protection is made.

    Attributes:
        name: name of the method in `methods.METHODS`.
        settings: settings of the method.
        noise_side: largest side of the noise in pixels; None for the surrogate's image size.
        seed: of the optimisation, and of random positions of the trigger.
    """

    name: str
    settings: MEMSettings
    noise_side: int | None = None
    seed: int = SEED

    def cut(self, captions: Iterable[Iterable[str]]) -> Slots:
        """Return the captions of photos, cut at the positions of the method's triggers."""
        words = self.settings.trigger_length if METHODS[self.name].has_trigger else 0
        return cut_captions(captions, self.settings, words * load_words(self.settings).longest, self.seed)


@dataclass(frozen=True)
class CellPlan:
    """A cell of the tables of a suite.

    Attributes:
        protection_recipe: how the protection is made; None without protected posts.
        victim: name of the model that is trained.
        attack: what a scraper does to the posts.
        recipe: how the victim is trained; its seed is that of the cell.
        method: name of the method in the tables, such as "mem-3", or "clean".
        fraction: share of the photos that is protected, drawn by the seed.
    """

    protection_recipe: ProtectionRecipe | None
    victim: str
    attack: Attack
    recipe: Recipe
    method: str
    fraction: float

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
        return f"{self.method}-{file_name_of(self.victim)}-{100 * self.fraction:g}-{self.attack.name}-{self.seed}"

    @property
    def title(self) -> str:
        """What is shown while its victim is trained."""
        share = f", {100 * self.fraction:g} % protected" if self.fraction < 1 else ""
        return f"{self.victim} on {self.method}{share}, {self.attack.name}, seed {self.seed}"


@dataclass(frozen=True)
class Setup:
    """A suite at a scale, with the user's changes to it.

    Attributes:
        suite: data set and figures of the paper.
        scale: values of the scale, before the user's changes.
        surrogate: name of the model that protections are made on.
        victims: name of each victim and the architecture of the paper that it stands for, if any.
        cells: cells to run, in order.
    """

    suite: Suite
    scale: Scale
    surrogate: str
    victims: Mapping[str, str | None]
    cells: tuple[CellPlan, ...]


def set_up(settings: BenchmarkSettings, suite: Suite) -> Setup:
    """Resolve the settings against the scale.

    Raises:
        ConfigError: an attack does not exist.
    """
    attacks = [parse_attack(name) for name in dict.fromkeys(settings.through)]
    scale = SCALES[suite.kind, settings.scale]
    roles = {**scale.victims, **dict(_exact(settings.victims or ()))}
    victims = {name: roles.get(name) for name in settings.victims or scale.victims}
    methods = settings.methods or scale.methods
    fractions = settings.fractions or scale.fractions
    cells = tuple(
        CellPlan(
            protection_recipe(method, scale, suite),
            victim,
            attack,
            scale.recipe_of(victim, seed),
            method,
            fraction,
        )
        for victim in victims
        for method in dict.fromkeys(methods)
        for fraction in dict.fromkeys(_fractions(method, victim, fractions, first=next(iter(victims))))
        for attack in attacks
        for seed in dict.fromkeys(settings.seeds)
    )
    return Setup(suite, scale, settings.surrogate or scale.surrogate, victims, cells)


def protection_recipe(method: str, scale: Scale, suite: Suite) -> ProtectionRecipe | None:
    """Return how the protection of a method is made; None for clean posts."""
    if method == "clean":
        return None
    named = named_settings(method)
    settings = scale.method.model_copy(update=named)
    return ProtectionRecipe("mem" if named else method, settings, suite.noise_side)


def file_name_of(victim: str) -> str:
    """Return a model's name as it can stand in the name of a cell's file."""
    return re.sub(r"[^A-Za-z0-9]+", "-", victim).strip("-")[-40:]


def digest(*parts: object) -> str:
    """Return the hex SHA-256 over the parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _fractions(method: str, victim: str, fractions: tuple[float, ...], *, first: str) -> tuple[float, ...]:
    """Return the fractions to run: other methods than MEM and further victims only in full, as in the paper."""
    if not named_settings(method) or victim != first:
        return (1.0,)
    return fractions


def _exact(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the victims that are of an architecture of the paper, with that architecture."""
    parts = [(name, name.partition(":")[0].replace("/", "-")) for name in names]
    return [(name, architecture) for name, architecture in parts if architecture in {"RN50", "RN101", "ViT-B-32"}]
