"""Run one cell of a benchmark, making its protection first if that is missing."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from unlearnable.benchmarks.bench import Bench, start_seed
from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import CellPlan, Setup
from unlearnable.benchmarks.protections import Protection, Scraped, make
from unlearnable.config import AS_PUBLISHED, Enlargement
from unlearnable.experiments.cell_store import digest_of
from unlearnable.experiments.cells import CellTraining
from unlearnable.experiments.cells import run as train_victim
from unlearnable.experiments.models import family
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.posts.pairs import Pairs, pairs_of
from unlearnable.progress.reporting import Progress
from unlearnable.results import BenchmarkCell, PaperRow

SHOWN = 5  # triggers recorded in a cell


@dataclass(frozen=True)
class ProtectedFraction:
    """The posts that a cell trains on: a random fraction of them protected, all of them changed by the attack.

    Attributes:
        train: clean photos and captions.
        protection: noise and triggers of the protected photos; None for clean posts.
        cell: fraction, attack and the seed that chooses the protected photos.
        enlarge: enlarging mode of the noise, "bilinear" or "nearest".
    """

    train: DecodedPhotos
    protection: Protection | None
    cell: CellPlan
    enlarge: Enlargement

    def pairs(self) -> Pairs:
        """Return the photos and captions to train on."""
        count = len(self.train.items)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(self.cell.seed))
        protected = torch.zeros(count, dtype=torch.bool)
        protected[order[: round(self.cell.fraction * count)]] = self.protection is not None
        attack = self.cell.attack
        pixels = Scraped(self.train.pixels, self.protection, protected, attack, self.enlarge)
        captions = [
            self.protection.captions.of(n, item.captions) if self.protection and protected[n] else item.captions
            for n, item in enumerate(self.train.items)
        ]
        return pairs_of(pixels, [list(map(attack.caption, texts)) for texts in captions])


def run(bench: Bench, cell: CellPlan, progress: Progress) -> BenchmarkCell:
    """Run one cell and store its result."""
    key, partial, pool = bench.key(cell), bench.checkpoint(cell), bench.experiment.pool
    protection = _protection(bench, cell, progress)
    if not bench.resume:
        partial.unlink(missing_ok=True)
    arm = ProtectedFraction(bench.train, protection, cell, bench.setup.scale.method.enlarge)
    title = f"{cell.victim} on {_label(cell)}"
    training = CellTraining(title, arm, cell.recipe, checkpoint=partial, key=digest_of(key))
    trained = train_victim(bench.experiment, pool.start(cell.victim, start_seed(cell)), training, progress)
    surrogate = bench.setup.surrogate if protection else None
    families = [family(pool.architecture(name)) for name in (cell.victim, surrogate) if name]
    result = BenchmarkCell(
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
        paper=_paper(bench.setup, cell),
        loss_curve=trained.loss_curve,
        medr_curve=trained.medr_curve,
        triggers=[trigger.text for trigger in protection.captions.triggers[:SHOWN]] if protection else [],
        seconds=trained.seconds,
    )
    bench.store.write(cell.name, key, result)
    return result


def surrogate_of(bench: Bench) -> DualEncoder:
    """Return the model that protections are made on, of which methods train copies."""
    pool, name = bench.experiment.pool, bench.setup.surrogate
    return pool.start(name, 0) if pool.from_scratch else pool.pretrained(name)


def _protection(bench: Bench, cell: CellPlan, progress: Progress) -> Protection | None:
    store = bench.protection(cell)
    if store is None:
        return None
    return make(store, bench.train, surrogate_of(bench), resume=bench.resume, progress=progress)


def _paper(setup: Setup, cell: CellPlan) -> PaperRow | None:
    """Return the paper's figures for a cell, which exist only for posts as they were published."""
    role = setup.victims[cell.victim]
    return setup.suite.paper.get((cell.method, role or "", cell.fraction)) if cell.attack.name == AS_PUBLISHED else None


def _label(cell: CellPlan) -> str:
    share = f", {100 * cell.fraction:g} % protected" if cell.fraction < 1 else ""
    return f"{cell.method}{share}, {cell.attack.name}, seed {cell.seed}"
