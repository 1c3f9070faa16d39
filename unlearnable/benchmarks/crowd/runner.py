"""Run one cell beside a crowd, making the protection of its draw first if that is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnable.benchmarks.bench import start_seed
from unlearnable.benchmarks.crowd.bench import CrowdBench
from unlearnable.benchmarks.crowd.plan import CrowdCellPlan
from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.protections import Scraped, make
from unlearnable.benchmarks.runner import surrogate_of
from unlearnable.experiments.cell_store import digest_of
from unlearnable.experiments.cells import CellTraining
from unlearnable.experiments.cells import run as train_victim
from unlearnable.posts.pairs import Pairs, pairs_of
from unlearnable.posts.pixels import Pixels
from unlearnable.progress.reporting import Progress
from unlearnable.results import CrowdBenchmarkCell


@dataclass(frozen=True)
class Placed:
    """The photos of a data set, some of them as they were published.

    Attributes:
        clean: all photos.
        published: the published photos of the people of a draw; None if there are none.
        place: number in the data set -> number in `published`, of the photos that are taken from there.
    """

    clean: Pixels
    published: Scraped | None
    place: Mapping[int, int]

    def __getitem__(self, photo: int, /) -> Tensor:
        """Return the pixels (3, h, w) of a photo, whole numbers 0-255."""
        if self.published is not None and photo in self.place:
            return self.published[self.place[photo]]
        return self.clean[photo]


@dataclass(frozen=True)
class BesideCrowd:
    """The posts that a cell trains on: the crowd's clean ones, and those of the people of a draw as the arm has them.

    Attributes:
        train: clean photos and captions of everyone.
        photos: the photos, those of the draw as they were published.
        captions: published captions by number of the photo.
        absent: numbers of the photos that are not trained on.
    """

    train: DecodedPhotos
    photos: Placed
    captions: Mapping[int, list[str]]
    absent: frozenset[int]

    def pairs(self) -> Pairs:
        """Return the photos and captions to train on."""
        captions = [self.captions.get(n, list(item.captions)) for n, item in enumerate(self.train.items)]
        return pairs_of(self.photos, captions, [n for n in range(len(captions)) if n not in self.absent])


def run(crowd: CrowdBench, cell: CrowdCellPlan, progress: Progress) -> CrowdBenchmarkCell:
    """Run one cell and store its result."""
    bench, key, partial = crowd.bench, crowd.key(cell), crowd.checkpoint(cell)
    arm = _arm(crowd, cell, progress)
    if not bench.resume:
        partial.unlink(missing_ok=True)
    training = CellTraining(_title(cell), arm, cell.recipe, checkpoint=partial, key=digest_of(key))
    model = bench.experiment.pool.start(cell.victim, start_seed(cell))
    trained, asked = train_victim(bench.experiment, model, training, progress), bench.experiment.identities
    known = zip(asked.people, trained.recognised, strict=True) if asked and trained.recognised else ()
    result = CrowdBenchmarkCell(
        arm=cell.arm,
        method=cell.method,
        surrogate=bench.setup.surrogate if cell.method else None,
        victim=cell.victim,
        people=list(cell.draw.people) if cell.draw else [],
        through=cell.attack.name,
        seed=cell.seed,
        epochs=cell.recipe.epochs,
        lr=cell.recipe.lr,
        image_ranks=trained.ranks.image_to_text.tolist(),
        text_ranks=trained.ranks.text_to_image.tolist(),
        recognised=[person for person, yes in known if yes],
        loss_curve=trained.loss_curve,
        seconds=trained.seconds,
    )
    crowd.store.write(cell.name, key, result)
    return result


def _arm(crowd: CrowdBench, cell: CrowdCellPlan, progress: Progress) -> BesideCrowd:
    train, store = crowd.bench.train, crowd.protection(cell)
    own = crowd.numbers(cell.draw) if cell.draw else []
    if cell.draw is None or store is None:
        absent = frozenset(own) if cell.arm == "absent" else frozenset[int]()
        return BesideCrowd(train, Placed(train.pixels, None, {}), {}, absent)
    photos, leaked = crowd.photos(cell.draw), crowd.leaked_of(cell)
    protection = make(store, photos, surrogate_of(crowd.bench), resume=crowd.bench.resume, progress=progress)
    everyone = torch.ones(len(own), dtype=torch.bool)
    scraped = Scraped(photos.pixels, protection, everyone, cell.attack, store.recipe.settings.enlarge)
    place = {number: index for index, number in enumerate(own) if index not in leaked}
    captions = {
        number: list(map(cell.attack.caption, protection.captions.of(index, train.items[number].captions)))
        for number, index in place.items()
    }
    return BesideCrowd(train, Placed(train.pixels, scraped, place), captions, frozenset())


def _title(cell: CrowdCellPlan) -> str:
    people = f" of {len(cell.draw.people)}, draw {cell.draw.number}" if cell.draw else ""
    made = f" by {cell.method}, {cell.attack.name}" if cell.method else ""
    return f"{cell.victim}: {cell.arm}{people}{made}, seed {cell.seed}"
