"""`benchmark`: run the cells of the paper's tables that are not there yet, and lay the tables out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError

from unlearnable import files
from unlearnable.benchmarks.kept import Kept
from unlearnable.benchmarks.models import Fleet, family
from unlearnable.benchmarks.plan import Planned, Setup, digest, file_name, how
from unlearnable.benchmarks.protections import Protection, Scraped, make
from unlearnable.benchmarks.store import Photos
from unlearnable.config import AS_PUBLISHED
from unlearnable.evaluation.embed import retrieve
from unlearnable.progress import Progress
from unlearnable.results import BenchmarkCell, PaperRow, ProtectionRecord
from unlearnable.training.pairs import Pairs, pairs_of
from unlearnable.workflows.fit import Task, figures, fit

VERSION = 1  # of what a cell is; another one runs all cells again
SHOWN = 5  # triggers kept in a cell


@dataclass(frozen=True)
class Bench:
    """All that cells are run with.

    Attributes:
        setup: suite, scale and cells.
        train: the training photos.
        gallery: what is ranked.
        fleet: surrogates and victims where they start.
        folder: of the run.
        data: digest of photos and captions of both.
        resume: go on inside a cell or a protection that was stopped.
    """

    setup: Setup
    train: Photos
    gallery: Pairs
    fleet: Fleet
    folder: Path
    data: str
    resume: bool

    def path(self, cell: Planned) -> Path:
        """Where a cell is kept; the name holds a hash of all that it depends on."""
        recipe = cell.recipe(self.setup.scale)
        parts = (
            VERSION,
            self.data,
            self.protection_key(cell),
            self.fleet.digest(cell.victim),
            recipe.model_dump_json(),
        )
        return self.folder / "cells" / file_name(cell, digest(*parts, cell.fraction, cell.attack.name))

    def protection_key(self, cell: Planned) -> str:
        """What the protection of a cell depends on; empty for clean posts."""
        made = how(cell.method, self.setup)
        if made is None:
            return ""
        surrogate = self.fleet.digest(self.setup.surrogate)
        return digest(VERSION, self.data, surrogate, made.name, made.settings.model_dump_json(), made.noise_side)

    def kept(self, cell: Planned) -> Kept | None:
        """Where the protection of a cell is kept; None for clean posts."""
        made = how(cell.method, self.setup)
        return Kept(made, self.folder / "protections", self.protection_key(cell)) if made else None

    def missing(self, cell: Planned) -> bool:
        """Whether the protection of a cell has to be made first."""
        kept = self.kept(cell)
        return kept is not None and kept.record() is None

    def protections(self) -> list[ProtectionRecord]:
        """How the protections that are there were made, each once, with the method's name as cells have it."""
        found = {method: kept.record() for method, kept in self.each().items()}
        return [record.model_copy(update={"method": method}) for method, record in found.items() if record]

    def each(self) -> dict[str, Kept]:
        """Where the protection of each method is kept."""
        once = {cell.method: self.kept(cell) for cell in self.setup.cells}
        return {method: kept for method, kept in once.items() if kept}

    def done(self, cell: Planned) -> BenchmarkCell | None:
        """The cell, where it was run before."""
        try:
            return BenchmarkCell.model_validate_json(self.path(cell).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError):
            return None


def run(bench: Bench, cell: Planned, progress: Progress) -> BenchmarkCell:
    """Run one cell and keep it; its protection is made first where it is not there."""
    began = time.monotonic()
    scale, path = bench.setup.scale, bench.path(cell)
    protection = _protection(bench, cell, progress)
    victim = bench.fleet.start(cell.victim, seed=cell.seed)
    partial = path.with_suffix(".partial")
    if not bench.resume:
        partial.unlink(missing_ok=True)
    recipe = cell.recipe(scale)
    pairs = _pairs(bench, cell, protection)
    task = Task(pairs, bench.gallery, recipe, partial, path.stem)
    progress.phase(f"{cell.victim} on {_label(cell)}", task.steps)
    history = fit(victim, task, progress)
    there, back = figures(retrieve(victim, bench.gallery))
    surrogate = bench.setup.surrogate if protection else None
    result = BenchmarkCell(
        method=cell.method,
        surrogate=surrogate,
        victim=cell.victim,
        same_family=family(victim) == family(bench.fleet.start(surrogate, seed=0)) if surrogate else None,
        fraction=cell.fraction,
        through=cell.attack.name,
        seed=cell.seed,
        epochs=recipe.epochs,
        lr=recipe.lr,
        image_to_text=there,
        text_to_image=back,
        paper=_paper(bench.setup, cell),
        loss_curve=[record.loss for record in history],
        medr_curve=[record.text_to_image.medr for record in history if record.text_to_image],
        triggers=[trigger.text for trigger in protection.captions.triggers[:SHOWN]] if protection else [],
        seconds=round(time.monotonic() - began, 1),
    )
    files.write_text(path, result.model_dump_json() + "\n")
    partial.unlink(missing_ok=True)
    return result


def _protection(bench: Bench, cell: Planned, progress: Progress) -> Protection | None:
    kept = bench.kept(cell)
    if kept is None:
        return None
    surrogate = bench.fleet.surrogate(bench.setup.surrogate)
    return make(kept, bench.train, surrogate, resume=bench.resume, progress=progress)


def _pairs(bench: Bench, cell: Planned, protection: Protection | None) -> Pairs:
    """The posts that a cell trains on: a fraction of the photos is protected, drawn by the seed."""
    count = len(bench.train.items)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(cell.seed))
    protected = torch.zeros(count, dtype=torch.bool)
    protected[order[: round(cell.fraction * count)]] = protection is not None
    pixels = Scraped(bench.train.pixels, protection, protected, cell.attack, bench.setup.scale.method.enlarge)
    captions = [
        protection.captions.of(n, item.captions) if protection and protected[n] else item.captions
        for n, item in enumerate(bench.train.items)
    ]
    return pairs_of(pixels, [list(map(cell.attack.caption, own)) for own in captions])


def _paper(setup: Setup, cell: Planned) -> PaperRow | None:
    """Return the paper's figures, which are of posts as they were published."""
    role = setup.victims[cell.victim]
    return setup.suite.paper.get((cell.method, role or "", cell.fraction)) if cell.attack.name == AS_PUBLISHED else None


def _label(cell: Planned) -> str:
    share = f", {100 * cell.fraction:g} % protected" if cell.fraction < 1 else ""
    return f"{cell.method}{share}, {cell.attack.name}, seed {cell.seed}"
