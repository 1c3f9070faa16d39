"""The cells of the tables of a suite: what each trains on, and its result."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from unlearnable.benchmarks.bench import Bench, Cells
from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import Setup, SuiteCellPlan, digest
from unlearnable.benchmarks.protections import Protection, Scraped
from unlearnable.config import AS_PUBLISHED, Enlargement
from unlearnable.posts.pairs import Pairs, pairs_of
from unlearnable.progress.reporting import Progress
from unlearnable.results import BenchmarkCell, PaperRow
from unlearnable.verify.attacks import versioned
from unlearnable.verify.victims import family

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
    cell: SuiteCellPlan
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


class SuiteCells(Cells[SuiteCellPlan, BenchmarkCell]):
    """The cells of the tables of a suite."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench, bench.setup.cells, BenchmarkCell)

    def photos(self, cell: SuiteCellPlan) -> DecodedPhotos:
        """Return all training photos, of which a cell takes the noise of a fraction."""
        return self.bench.train

    def arm_digest(self, cell: SuiteCellPlan, protection: str) -> str:
        """Return the digest of what a cell trains on."""
        return digest(self.bench.data, protection, cell.fraction, versioned(cell.attack.name))

    def run(self, cell: SuiteCellPlan, progress: Progress) -> BenchmarkCell:
        """Run a cell and return its result."""
        bench, protection = self.bench, self.made(cell, progress)
        arm = ProtectedFraction(bench.train, protection, cell, bench.setup.scale.method.enlarge)
        trained = self.trained(cell, arm, progress)
        surrogate = bench.setup.surrogate if protection else None
        families = [family(bench.experiment.pool.architecture(name)) for name in (cell.victim, surrogate) if name]
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
            paper=_paper(bench.setup, cell),
            loss_curve=trained.loss_curve,
            medr_curve=trained.medr_curve,
            triggers=protection.captions.shown(SHOWN) if protection else [],
            seconds=trained.seconds,
        )


def _paper(setup: Setup, cell: SuiteCellPlan) -> PaperRow | None:
    """Return the paper's figures for a cell, which exist only for posts as they were published."""
    role = setup.victims[cell.victim]
    return setup.suite.paper.get((cell.method, role or "", cell.fraction)) if cell.attack.name == AS_PUBLISHED else None
