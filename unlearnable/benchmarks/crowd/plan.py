"""Draw who protects their posts, and list the cells to run."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from unlearnable.benchmarks.plan import CellPlan, ProtectionRecipe, Setup, file_name_of, protection_recipe
from unlearnable.config import AS_PUBLISHED, BenchmarkSettings, Recipe
from unlearnable.errors import ConfigError
from unlearnable.results import CrowdArm
from unlearnable.verify.attacks import parse_attack


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
class CrowdCellPlan(CellPlan):
    """A cell beside a crowd, of which the attack changes the protected posts alone.

    Attributes:
        arm: what is trained on beside the crowd.
        draw: who protects; None for the clean arm, which is the same for all draws.
        method: name of the method in the tables; None for arms without protected posts.
    """

    arm: CrowdArm
    draw: Draw | None = None
    method: str | None = None

    @property
    def people(self) -> tuple[str, ...]:
        """The people of its draw."""
        return self.draw.people if self.draw else ()

    @property
    def name(self) -> str:
        """A readable name of the cell, with which its file name begins."""
        method, victim = self.method or "none", file_name_of(self.victim)
        return f"{self.arm}-{len(self.people)}-{method}-{victim}-{self.attack.name}-{self.seed}"

    @property
    def title(self) -> str:
        """What is shown while its victim is trained."""
        people = f" of {len(self.people)}, draw {self.draw.number}" if self.draw else ""
        made = f" by {self.method}, {self.attack.name}" if self.method else ""
        return f"{self.victim}: {self.arm}{people}{made}, seed {self.seed}"

    @property
    def protected_by(self) -> str:
        """Method and draw."""
        return f"{self.method}, {len(self.people)} protected, draw {self.draw.number if self.draw else None}"

    @property
    def row(self) -> dict[str, Any]:
        """Method, arm and draw."""
        drawn = {"people": len(self.people), "draw": self.draw.number} if self.draw else {}
        return {"method": self.method or "clean", "fraction": 1.0, "arm": self.arm, **drawn}


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
        yield CrowdCellPlan(None, victim, unchanged, recipe, "clean")
        for draw in everyone:
            yield CrowdCellPlan(None, victim, unchanged, recipe, "absent", draw)
            for (method, made), attack in product(recipes.items(), attacks):
                yield CrowdCellPlan(made, victim, attack, recipe, "protected", draw, method)
                if settings.leaked:
                    yield CrowdCellPlan(made, victim, attack, recipe, "half", draw, method)

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
