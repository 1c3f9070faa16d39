"""A prepared benchmark: photos, gallery, models, and every cell with its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from unlearnable.attacks import versioned
from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import CellPlan, ProtectionRecipe, Setup, digest
from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.experiments.cell_store import PRECISION, CellStore, Key, version_of_cells
from unlearnable.experiments.cells import Experiment
from unlearnable.methods import METHODS
from unlearnable.models.precision import TOWERS
from unlearnable.protection.towers import tower_names
from unlearnable.results import BenchmarkCell, CrowdBenchmarkCell, ProtectionRecord

R = TypeVar("R", BenchmarkCell, CrowdBenchmarkCell)
VERSION = version_of_cells(2)  # of cells and protections; those of another version are run again


@dataclass
class Bench:
    """Everything that the cells of a benchmark share.

    Attributes:
        setup: suite, scale and cells.
        train: training photos.
        experiment: victims and gallery.
        folder: output folder of the benchmark.
        data: digest of the training photos and captions.
        resume: whether to resume a cell or protection that was stopped partway.
        store: store of the finished cells.
        protections: store of each method's protection, by the method's name in the tables.
    """

    setup: Setup
    train: DecodedPhotos
    experiment: Experiment
    folder: Path
    data: str
    resume: bool
    store: CellStore[BenchmarkCell] = field(init=False)
    protections: dict[str, ProtectionStore] = field(init=False)
    _keys: dict[CellPlan, Key] = field(init=False)

    def __post_init__(self) -> None:
        """Resolve every protection and every key once."""
        self.store = CellStore(self.folder / "cells", BenchmarkCell)
        recipes = {
            cell.method: cell.protection_recipe for cell in self.setup.cells if cell.protection_recipe is not None
        }
        self.protections = {method: self.store_of(recipe, self.data) for method, recipe in recipes.items()}
        self._keys = {cell: self._key(cell) for cell in self.setup.cells}

    def key(self, cell: CellPlan) -> Key:
        """Return the key of a cell: everything that its result depends on."""
        return self._keys[cell]

    def checkpoint(self, cell: CellPlan) -> Path:
        """Return the checkpoint of a cell whose victim is being trained."""
        return self.store.path(cell.name, self.key(cell)).with_suffix(".partial")

    def done(self, cell: CellPlan) -> BenchmarkCell | None:
        """Return the result of a cell that was run before, under the victim's present name, or None."""
        return renamed(self.store.read(cell.name, self.key(cell)), cell.victim, self.setup.surrogate)

    def protection(self, cell: CellPlan) -> ProtectionStore | None:
        """Return the store of a cell's protection; None for clean posts."""
        return self.protections.get(cell.method)

    def protection_records(self) -> list[ProtectionRecord]:
        """Return the records of the finished protections, each under its name in the tables."""
        by_method = {method: store.read() for method, store in self.protections.items()}
        return [saved.record.model_copy(update={"method": method}) for method, saved in by_method.items() if saved]

    def store_of(self, recipe: ProtectionRecipe, data: str) -> ProtectionStore:
        """Return the store of a protection of the photos and captions whose digest is `data`."""
        pool, surrogate = self.experiment.pool, self.setup.surrogate
        key: dict[str, str | int | float | None] = {
            "version": VERSION,
            "data": data,
            "surrogate": pool.digest(surrogate),
            "method": METHODS.versioned(recipe.name),
            "settings": recipe.settings.model_dump_json(exclude={PRECISION}),
            PRECISION: self._formats(surrogate, recipe),
            "noise_side": recipe.noise_side,
        }
        for name in tower_names(recipe.settings, (surrogate,)):
            key[f"tower {name}"] = f"{pool.digest(name)} {self._formats(name, recipe)}"
        return ProtectionStore(recipe, self.folder / "protections", key)

    def _formats(self, model: str, recipe: ProtectionRecipe) -> str:
        """Return the number formats of a model's photo tower and text tower where a protection is made."""
        precision = recipe.settings.precision
        return " ".join(self.experiment.pool.number_format(model, precision, tower) for tower in TOWERS)

    def _key(self, cell: CellPlan) -> Key:
        protection = self.protection(cell)
        arm = digest(self.data, protection.digest if protection else "", cell.fraction, versioned(cell.attack.name))
        return self.experiment.key(cell.victim, arm, cell.recipe, start_seed(cell))


def renamed(found: R | None, victim: str, surrogate: str) -> R | None:
    """Return a cell under the present names of its models, which an earlier run may have been given by other paths."""
    if found is None:
        return None
    return found.model_copy(update={"victim": victim, "surrogate": surrogate if found.surrogate else None})


class Seeded(Protocol):
    """A cell with the seed of its training."""

    @property
    def seed(self) -> int:
        """The seed of the training."""


def start_seed(cell: Seeded) -> int:
    """Return the seed of a victim's random weights, which differ from the surrogate's, drawn with seed 0."""
    return cell.seed + 1
