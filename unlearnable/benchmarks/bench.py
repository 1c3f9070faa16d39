"""A benchmark made ready: photos, gallery, models, and every cell with its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import CellPlan, ProtectionRecipe, Setup, digest
from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.experiments.cell_store import CellStore, Key
from unlearnable.experiments.cells import Experiment
from unlearnable.results import BenchmarkCell, ProtectionRecord

VERSION = 2  # of what a cell or a protection is; another one runs all of them again


@dataclass
class Bench:
    """All that cells are run with.

    Attributes:
        setup: suite, scale and cells.
        train: the training photos.
        experiment: victims and gallery.
        folder: the folder of the run.
        data: the digest of the training photos and captions.
        resume: whether to go on inside a cell or a protection that was stopped.
    """

    setup: Setup
    train: DecodedPhotos
    experiment: Experiment
    folder: Path
    data: str
    resume: bool
    store: CellStore[BenchmarkCell] = field(init=False)
    _keys: dict[CellPlan, Key] = field(init=False)
    _protections: dict[str, ProtectionStore] = field(init=False)

    def __post_init__(self) -> None:
        """Resolve every protection and every key once."""
        self.store = CellStore(self.folder / "cells", BenchmarkCell)
        recipes = {
            cell.method: cell.protection_recipe for cell in self.setup.cells if cell.protection_recipe is not None
        }
        self._protections = {method: self._protection(recipe) for method, recipe in recipes.items()}
        self._keys = {cell: self._key(cell) for cell in self.setup.cells}

    def key(self, cell: CellPlan) -> Key:
        """Return all that a cell depends on."""
        return self._keys[cell]

    def checkpoint(self, cell: CellPlan) -> Path:
        """Return where the state of a cell is kept while its victim is trained."""
        return self.store.path(cell.name, self.key(cell)).with_suffix(".partial")

    def done(self, cell: CellPlan) -> BenchmarkCell | None:
        """Return the cell, where it was run before."""
        return self.store.read(cell.name, self.key(cell))

    def protection(self, cell: CellPlan) -> ProtectionStore | None:
        """Return where the protection of a cell is kept; None for clean posts."""
        return self._protections.get(cell.method)

    def protections(self) -> dict[str, ProtectionStore]:
        """Return where the protection of each method is kept, by its name in the tables."""
        return self._protections

    def protection_records(self) -> list[ProtectionRecord]:
        """Return how the protections that are there were made, each under its name in the tables."""
        saved = {method: store.read() for method, store in self._protections.items()}
        return [one.record.model_copy(update={"method": method}) for method, one in saved.items() if one]

    def _protection(self, recipe: ProtectionRecipe) -> ProtectionStore:
        key: Key = {
            "version": VERSION,
            "data": self.data,
            "surrogate": self.experiment.pool.digest(self.setup.surrogate),
            "method": recipe.name,
            "settings": recipe.settings.model_dump_json(),
            "noise_side": recipe.noise_side,
        }
        return ProtectionStore(recipe, self.folder / "protections", key)

    def _key(self, cell: CellPlan) -> Key:
        protection = self.protection(cell)
        arm = digest(self.data, protection.digest if protection else "", cell.fraction, cell.attack.name)
        return self.experiment.key(cell.victim, arm, cell.recipe, start_seed(cell))


def start_seed(cell: CellPlan) -> int:
    """Return the seed of a victim's random weights, which are never those of the surrogate's, drawn by 0."""
    return cell.seed + 1
