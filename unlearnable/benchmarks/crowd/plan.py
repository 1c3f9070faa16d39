"""Draw who protects their posts, and list the cells to run."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from unlearnable.attacks import parse_attack
from unlearnable.attacks.base import Attack
from unlearnable.benchmarks.plan import ProtectionRecipe, Setup, file_name_of, protection_recipe
from unlearnable.config import AS_PUBLISHED, BenchmarkSettings, Recipe
from unlearnable.errors import ConfigError
from unlearnable.results import CrowdArm


@dataclass(frozen=True)
class Draw:
    """The people who protect their posts while all others do not.

    Attributes:
        people: names, sorted.
        number: number of the draw among those of as many people; it also draws the posts that leaked.
    """

    people: tuple[str, ...]
    number: int


@dataclass(frozen=True)
class CrowdCellPlan:
    """A cell to run.

    Attributes:
        arm: what is trained on beside the crowd.
        draw: who protects; None for the clean arm, which is the same for all draws.
        method: name of the method in the tables; None for arms without protected posts.
        protection_recipe: how the protection is made; None for arms without protected posts.
        victim: name of the model that is trained.
        attack: what a scraper does to the protected posts.
        recipe: how the victim is trained; its seed is that of the cell.
    """

    arm: CrowdArm
    draw: Draw | None
    method: str | None
    protection_recipe: ProtectionRecipe | None
    victim: str
    attack: Attack
    recipe: Recipe

    @property
    def seed(self) -> int:
        """The seed of the training."""
        return self.recipe.seed

    @property
    def name(self) -> str:
        """A readable name of the cell, with which its file name begins."""
        people = len(self.draw.people) if self.draw else 0
        return f"{self.arm}-{people}-{self.method or 'none'}-{file_name_of(self.victim)}-{self.attack.name}-{self.seed}"


def draws(people: Sequence[str], size: int, count: int) -> list[Draw]:
    """Return draws of `size` people each: nobody is in two of them before everyone was in one.

    Raises:
        ConfigError: nobody, or too few people to draw from, would be the crowd.
    """
    if size >= len(people):
        raise ConfigError(
            f"{size} protected people of {len(people)} leave no crowd", hint="give smaller numbers with --crowd-people"
        )
    generator, found, rest = random.Random(f"crowd of {size}"), list[Draw](), list[str]()
    while len(found) < count:
        if len(rest) < size:
            rest += [one for one in generator.sample(sorted(people), len(people)) if one not in rest]
        found.append(Draw(tuple(sorted(rest[:size])), len(found)))
        rest = rest[size:]
    return found


def cells_of(settings: BenchmarkSettings, setup: Setup, drawn: Mapping[int, Sequence[Draw]]) -> list[CrowdCellPlan]:
    """Return the cells of all draws, the clean arm once for each victim and seed.

    Raises:
        ConfigError: an attack does not exist, or there is no method to protect with.
    """
    recipes = _methods(settings, setup)
    attacks = [parse_attack(name) for name in dict.fromkeys(settings.through)]
    unchanged, seeds = parse_attack(AS_PUBLISHED), dict.fromkeys(settings.seeds)
    everyone = [draw for of_size in drawn.values() for draw in of_size]

    def of_victim(victim: str, recipe: Recipe) -> Iterator[CrowdCellPlan]:
        yield CrowdCellPlan("clean", None, None, None, victim, unchanged, recipe)
        for draw in everyone:
            yield CrowdCellPlan("absent", draw, None, None, victim, unchanged, recipe)
            for (method, made), attack in product(recipes.items(), attacks):
                yield CrowdCellPlan("protected", draw, method, made, victim, attack, recipe)
                if settings.leaked:
                    yield CrowdCellPlan("half", draw, method, made, victim, attack, recipe)

    return [
        cell
        for victim, seed in product(setup.victims, seeds)
        for cell in of_victim(victim, setup.scale.recipe_of(victim, seed))
    ]


def _methods(settings: BenchmarkSettings, setup: Setup) -> dict[str, ProtectionRecipe]:
    """Return how the protections are made: those asked for, else the first of the scale's."""
    found = {
        name: protection_recipe(name, setup.scale, setup.suite) for name in settings.methods or setup.scale.methods
    }
    made = {name: recipe for name, recipe in found.items() if recipe is not None}
    if not made:
        raise ConfigError("there is no method to protect with", hint="give one with --methods, such as mem-3")
    return made if settings.methods else dict(list(made.items())[:1])
