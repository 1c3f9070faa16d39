"""A prepared benchmark: photos, gallery and models, and its cells with their keys and protections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import CellPlan, ProtectionRecipe, Setup
from unlearnable.benchmarks.processes import own_share, waiting
from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.benchmarks.protections import Protection, make
from unlearnable.disk.locks import alone
from unlearnable.methods import METHODS
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import TOWERS
from unlearnable.progress.reporting import Progress
from unlearnable.protection.towers import tower_names
from unlearnable.results import BenchmarkCell, CrowdBenchmarkCell, ProtectionRecord
from unlearnable.verify.cells import (
    PRECISION,
    Arm,
    CellStore,
    CellTraining,
    Experiment,
    Key,
    Trained,
    digest_of,
    version_of_cells,
)
from unlearnable.verify.cells import run as train_victim

P = TypeVar("P", bound=CellPlan)
R = TypeVar("R", BenchmarkCell, CrowdBenchmarkCell)
VERSION = version_of_cells(2)  # of cells and protections; those of another version are run again


@dataclass(frozen=True)
class Bench:
    """Everything that the cells of a benchmark share.

    Attributes:
        setup: suite and scale.
        train: training photos.
        experiment: victims and gallery.
        folder: output folder of the benchmark.
        data: digest of the training photos and captions.
        resume: whether to resume a cell or protection that was stopped partway.
    """

    setup: Setup
    train: DecodedPhotos
    experiment: Experiment
    folder: Path
    data: str
    resume: bool

    def store_of(self, recipe: ProtectionRecipe, photos: DecodedPhotos) -> ProtectionStore:
        """Return the store of a protection of some photos and their captions."""
        pool, surrogate = self.experiment.pool, self.setup.surrogate
        key: dict[str, str | int | float | None] = {
            "version": VERSION,
            "data": self.data if photos is self.train else photos.sha256(),
            "surrogate": pool.digest(surrogate),
            "method": METHODS.versioned(recipe.name),
            "settings": recipe.settings.model_dump_json(exclude={PRECISION}),
            PRECISION: self._formats(surrogate, recipe),
            "noise_side": recipe.noise_side,
        }
        for name in tower_names(recipe.settings, (surrogate,)):
            key[f"tower {name}"] = f"{pool.digest(name)} {self._formats(name, recipe)}"
        return ProtectionStore(recipe, self.folder / "protections", key)

    def surrogate(self) -> DualEncoder:
        """Return the model that protections are made on, of which methods train copies."""
        pool, name = self.experiment.pool, self.setup.surrogate
        return pool.start(name, 0) if pool.from_scratch else pool.pretrained(name)

    def _formats(self, model: str, recipe: ProtectionRecipe) -> str:
        """Return the number formats of a model's photo tower and text tower where a protection is made."""
        precision = recipe.settings.precision
        return " ".join(self.experiment.pool.number_format(model, precision, tower) for tower in TOWERS)


class Cells(ABC, Generic[P, R]):
    """The cells of a benchmark: each has a key, perhaps a protection, and once it was run a result.

    Args:
        bench: what they share.
        plans: cells to run, in order.
        kind: class of their results.

    Attributes:
        protections: store of each protection, by its name.
    """

    def __init__(self, bench: Bench, plans: Sequence[P], kind: type[R]) -> None:
        self.bench, self.plans = bench, plans
        self.protections: dict[str, ProtectionStore] = {}
        for cell in plans:
            if cell.protection_recipe and cell.protected_by not in self.protections:
                self.protections[cell.protected_by] = bench.store_of(cell.protection_recipe, self.photos(cell))
        self._store: CellStore[R] = CellStore(bench.folder / "cells", kind)
        self._keys = {cell: self._key(cell) for cell in plans}

    @abstractmethod
    def photos(self, cell: P) -> DecodedPhotos:
        """Return the training photos that the protection of a cell is made for."""

    @abstractmethod
    def arm_digest(self, cell: P, protection: str) -> str:
        """Return the digest of what a cell trains on, from that of its protection, which is empty without one."""

    @abstractmethod
    def run(self, cell: P, progress: Progress) -> R:
        """Run a cell and return its result."""

    def protection(self, cell: P) -> ProtectionStore | None:
        """Return the store of a cell's protection; None for one without protected posts."""
        return self.protections[cell.protected_by] if cell.protection_recipe else None

    def made(self, cell: P, progress: Progress) -> Protection | None:
        """Return a cell's protection, which is made if it is missing; None for one without protected posts."""
        store, bench = self.protection(cell), self.bench
        if store is None:
            return None
        return make(store, self.photos(cell), bench.surrogate(), resume=bench.resume, progress=progress)

    def trained(self, cell: P, arm: Arm, progress: Progress) -> Trained:
        """Train the victim of a cell on an arm, and rank the gallery with it."""
        partial, experiment = self.checkpoint(cell), self.bench.experiment
        if not self.bench.resume:
            partial.unlink(missing_ok=True)
        training = CellTraining(cell.title, arm, cell.recipe, checkpoint=partial, key=digest_of(self._keys[cell]))
        return train_victim(experiment, experiment.pool.start(cell.victim, cell.start_seed), training, progress)

    def run_missing(self, progress: Progress) -> int:
        """Run those cells of this process that neither an earlier run nor one beside it has; return their number."""
        wanted = [(cell.name, key) for cell, key in self._keys.items()]
        self._store.report_unusable(VERSION, wanted, progress)
        ran = 0
        for cell in own_share(self.plans, self.protection):
            checkpoint = self.checkpoint(cell)
            with alone(checkpoint.with_suffix(".lock"), waiting(f"trains the victim of {checkpoint.stem}", progress)):
                if self.done(cell) is None:
                    self._store.write(cell.name, self._keys[cell], self.run(cell, progress))
                    ran += 1
                checkpoint.unlink(missing_ok=True)  # also where a kill came between the two
        return ran

    def checkpoint(self, cell: P) -> Path:
        """Return the checkpoint of a cell whose victim is being trained."""
        return self._store.path(cell.name, self._keys[cell]).with_suffix(".partial")

    def done(self, cell: P) -> R | None:
        """Return the result of a cell that was run before, or None.

        Its models have their present names, which an earlier run may have been given by other paths.
        """
        found = self._store.read(cell.name, self._keys[cell])
        if found is None:
            return None
        surrogate = self.bench.setup.surrogate if found.surrogate else None
        return found.model_copy(update={"victim": cell.victim, "surrogate": surrogate})

    def all_done(self) -> dict[P, R]:
        """Return the results of the cells that were run."""
        return {cell: result for cell in self.plans if (result := self.done(cell)) is not None}

    def protection_records(self) -> list[ProtectionRecord]:
        """Return the records of the finished protections, each under its name."""
        found = {name: store.read() for name, store in self.protections.items()}
        return [saved.record.model_copy(update={"method": name}) for name, saved in found.items() if saved]

    def _key(self, cell: P) -> Key:
        """Return everything that the result of a cell depends on."""
        protection = self.protection(cell)
        arm = self.arm_digest(cell, protection.digest if protection else "")
        return self.bench.experiment.key(cell.victim, arm, cell.recipe, cell.start_seed)


AnyCells: TypeAlias = Cells[Any, Any]
