"""The cells of a benchmark: what each trains on, what it depends on, its protection and its result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from unlearnable.benchmark.plan import CellPlan, ProtectionRecipe, Setup, digest
from unlearnable.benchmark.protections import DecodedPhotos, Protection, ProtectionStore, Scraped, make, waiting
from unlearnable.methods.proxies import proxy_names
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import ENCODERS
from unlearnable.report import BenchmarkCell, ProtectionRecord
from unlearnable.settings import AS_PUBLISHED
from unlearnable.storage.locks import locked
from unlearnable.storage.pool import process
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pairs, pairs_of
from unlearnable.verify.cells import (
    PRECISION,
    CellStore,
    Experiment,
    Key,
    digest_of,
    family,
    train_victim,
    version_of_cells,
)

VERSION = version_of_cells(2)  # of cells and protections; those of another version are run again
SHOWN = 5  # triggers recorded in a cell


@dataclass(frozen=True)
class ProtectedFraction:
    """The posts that a cell trains on: a random fraction of them protected, all of them changed by the attack."""

    train: DecodedPhotos
    protection: Protection | None
    cell: CellPlan

    def pairs(self) -> Pairs:
        """Return the photos and captions to train on."""
        count = len(self.train.items)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(self.cell.seed))
        protected = torch.zeros(count, dtype=torch.bool)
        protected[order[: round(self.cell.fraction * count)]] = self.protection is not None
        attack = self.cell.attack
        pixels = Scraped(self.train.pixels, self.protection, protected, attack)
        captions = [
            self.protection.captions.of(n, item.captions) if self.protection and protected[n] else item.captions
            for n, item in enumerate(self.train.items)
        ]
        return pairs_of(pixels, [list(map(attack.caption, texts)) for texts in captions])


class Cells:
    """The cells of a benchmark, in order: each has a key, perhaps a protection, and once it was run a result."""

    def __init__(
        self, setup: Setup, train: DecodedPhotos, experiment: Experiment, folder: Path, *, resume: bool
    ) -> None:
        self.setup, self.train, self.experiment, self.folder = setup, train, experiment, folder
        self.plans = setup.cells
        self._resume, self._data = resume, train.sha256()
        self.protections: dict[str, ProtectionStore] = {}  # by the method's name
        for cell in self.plans:
            if cell.protection_recipe and cell.method not in self.protections:
                self.protections[cell.method] = self._store_of(cell.protection_recipe)
        self._store: CellStore[BenchmarkCell] = CellStore(folder / "cells", BenchmarkCell)
        self._keys = {cell: self._key(cell) for cell in self.plans}

    def _store_of(self, recipe: ProtectionRecipe) -> ProtectionStore:
        """Return the store of a protection of the training posts."""
        pool, surrogate = self.experiment.pool, self.setup.surrogate

        def formats(model: str) -> str:
            """Return the number formats of a model's photo encoder and text encoder where the protection is made."""
            return " ".join(pool.number_format(model, recipe.settings.precision, encoder) for encoder in ENCODERS)

        key: dict[str, str | int | float | None] = {
            "version": VERSION,
            "data": self._data,
            "surrogate": pool.digest(surrogate),
            "method": recipe.name,
            "settings": repr(replace(recipe.settings, precision="auto")),
            PRECISION: formats(surrogate),
            "noise_side": recipe.noise_side,
        }
        for name in proxy_names(recipe.settings, (surrogate,)):
            key[f"proxy {name}"] = f"{pool.digest(name)} {formats(name)}"
        return ProtectionStore(recipe, self.folder / "protections", key)

    def _key(self, cell: CellPlan) -> Key:
        """Return everything that the result of a cell depends on."""
        store = self.protections.get(cell.method)
        arm = digest(self._data, store.digest if store else "", cell.fraction, cell.attack.name)
        return self.experiment.key(cell.victim, arm, cell.recipe, cell.start_seed)

    def surrogate(self) -> DualEncoder:
        """Return the model that protections are made on; methods train copies."""
        pool, name = self.experiment.pool, self.setup.surrogate
        return pool.start(name, 0) if pool.from_scratch else pool.pretrained(name)

    def run_missing(self, progress: Progress) -> int:
        """Run those cells of this process that neither an earlier run nor one beside it has; return their number."""
        self._store.report_unusable(VERSION, [(cell.name, key) for cell, key in self._keys.items()], progress)
        ran = 0
        for cell in self.own_share():
            path = self._store.path(cell.name, self._keys[cell])
            checkpoint = path.with_suffix(".partial")
            with locked(path.with_suffix(".lock"), waiting(f"trains the victim of {path.stem}", progress)):
                if self.done(cell) is None:
                    self._store.write(cell.name, self._keys[cell], self._run(cell, checkpoint, progress))
                    ran += 1
                checkpoint.unlink(missing_ok=True)  # also where a kill came between the two
        return ran

    def own_share(self) -> list[CellPlan]:
        """Return the cells of this process: all of them, or those of its share of the protections."""
        rank, size = process()
        methods = {cell: cell.method if cell.protection_recipe else "" for cell in self.plans}
        own = list(dict.fromkeys(methods.values()))[rank::size]
        return [cell for cell, method in methods.items() if method in own]

    def _run(self, cell: CellPlan, checkpoint: Path, progress: Progress) -> BenchmarkCell:
        """Make the protection of a cell if it is missing, train its victim, and rank the gallery with it."""
        setup, pool = self.setup, self.experiment.pool
        store, protection = self.protections.get(cell.method), None
        if store is not None:
            protection = make(store, self.train, self.surrogate(), resume=self._resume, progress=progress)
        if not self._resume:
            checkpoint.unlink(missing_ok=True)
        arm = ProtectedFraction(self.train, protection, cell)
        trained = train_victim(
            self.experiment,
            pool.start(cell.victim, cell.start_seed),
            arm.pairs(),
            cell.recipe,
            progress,
            title=cell.title,
            checkpoint=checkpoint,
            key=digest_of(self._keys[cell]),
        )
        surrogate = setup.surrogate if protection else None
        families = [family(pool.architecture(name)) for name in (cell.victim, surrogate) if name]
        paper = setup.suite.paper.get((cell.method, setup.victims[cell.victim] or "", cell.fraction))
        return BenchmarkCell(
            method=cell.method,
            surrogate=surrogate,
            victim=cell.victim,
            same_family=families[0] == families[1] if surrogate else None,
            fraction=cell.fraction,
            through=cell.attack.name,
            seed=cell.seed,
            epochs=cell.recipe.epochs,
            lr=cell.recipe.lr,
            image_to_text=trained.scores.image_to_text,
            text_to_image=trained.scores.text_to_image,
            paper=paper if cell.attack.name == AS_PUBLISHED else None,
            loss_curve=trained.loss_curve,
            medr_curve=trained.medr_curve,
            triggers=protection.captions.shown(SHOWN) if protection else [],
            seconds=trained.seconds,
        )

    def done(self, cell: CellPlan) -> BenchmarkCell | None:
        """Return the result of a cell that was run before, or None.

        Its models have their present names, which an earlier run may have been given by other paths.
        """
        found = self._store.read(cell.name, self._keys[cell])
        if found is None:
            return None
        surrogate = self.setup.surrogate if found.surrogate else None
        return found.model_copy(update={"victim": cell.victim, "surrogate": surrogate})

    def all_done(self) -> list[BenchmarkCell]:
        """Return the results of the cells that were run."""
        return [result for cell in self.plans if (result := self.done(cell)) is not None]

    def protection_records(self) -> list[ProtectionRecord]:
        """Return the records of the finished protections, each under its name."""
        found = {name: store.read() for name, store in self.protections.items()}
        return [saved.record.model_copy(update={"method": name}) for name, saved in found.items() if saved]
