"""The cells beside a crowd: the photos of each draw, what each trains on, and its result."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch

from unlearnable.benchmarks.bench import Bench, Cells
from unlearnable.benchmarks.crowd.arm import BesideCrowd, Placed
from unlearnable.benchmarks.crowd.plan import CrowdCellPlan, Draw, cells_of, draws
from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import digest
from unlearnable.benchmarks.protections import Scraped
from unlearnable.config import BenchmarkSettings
from unlearnable.errors import ConfigError
from unlearnable.progress.reporting import Progress
from unlearnable.results import CrowdBenchmarkCell
from unlearnable.verify.attacks import versioned
from unlearnable.verify.cells import leaked_posts


class CrowdCells(Cells[CrowdCellPlan, CrowdBenchmarkCell]):
    """The cells of a benchmark of people in a crowd.

    Args:
        bench: photos, gallery and models.
        plans: cells to run, in order.
        drawn: draws by the number of protected people.
        leaked: share of the protected people's photos that leaked clean, in the arm half.
    """

    def __init__(
        self, bench: Bench, plans: Sequence[CrowdCellPlan], drawn: Mapping[int, Sequence[Draw]], leaked: float
    ) -> None:
        self.drawn, self._leaked = drawn, leaked
        super().__init__(bench, plans, CrowdBenchmarkCell)

    def numbers(self, people: Collection[str]) -> list[int]:
        """Return the numbers of the training photos of some people."""
        return [n for n, item in enumerate(self.bench.train.items) if item.person in people]

    def photos(self, cell: CrowdCellPlan) -> DecodedPhotos:
        """Return the training photos of the people of a cell's draw."""
        train, chosen = self.bench.train, self.numbers(cell.people)
        return DecodedPhotos(train.pixels.choose(chosen), tuple(train.items[n] for n in chosen), ())

    def arm_digest(self, cell: CrowdCellPlan, protection: str) -> str:
        """Return the digest of what a cell trains on."""
        absent = cell.people if cell.arm == "absent" else ()
        parts = (protection, versioned(cell.attack.name), sorted(self._leaked_of(cell)), absent)
        return digest(self.bench.data, cell.arm, *parts)

    def arm(self, cell: CrowdCellPlan, progress: Progress) -> BesideCrowd:
        """Return what a cell trains on, with its protection, which is made if it is missing."""
        train, own, recipe = self.bench.train, self.numbers(cell.people), cell.protection_recipe
        protection = self.made(cell, progress)
        if protection is None or recipe is None:
            absent = frozenset(own) if cell.arm == "absent" else frozenset[int]()
            return BesideCrowd(train, Placed(train.pixels, None, {}), {}, absent)
        everyone, leaked = torch.ones(len(own), dtype=torch.bool), self._leaked_of(cell)
        scraped = Scraped(self.photos(cell).pixels, protection, everyone, cell.attack, recipe.settings.enlarge)
        place = {number: index for index, number in enumerate(own) if index not in leaked}
        captions = {
            number: list(map(cell.attack.caption, protection.captions.of(index, train.items[number].captions)))
            for number, index in place.items()
        }
        return BesideCrowd(train, Placed(train.pixels, scraped, place), captions, frozenset())

    def run(self, cell: CrowdCellPlan, progress: Progress) -> CrowdBenchmarkCell:
        """Run a cell and return its result."""
        trained, asked = self.trained(cell, self.arm(cell, progress), progress), self.bench.experiment.identities
        known = zip(asked.people, trained.recognised, strict=True) if asked and trained.recognised else ()
        return CrowdBenchmarkCell(
            arm=cell.arm,
            method=cell.method,
            surrogate=self.bench.setup.surrogate if cell.method else None,
            victim=cell.victim,
            people=list(cell.people),
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

    def _leaked_of(self, cell: CrowdCellPlan) -> frozenset[int]:
        """Return which of the photos of a cell's draw are clean, counted within the draw; none but in the arm half."""
        if cell.draw is None or cell.arm != "half":
            return frozenset()
        return leaked_posts(len(self.numbers(cell.people)), self._leaked, cell.draw.number)


def crowd_cells(settings: BenchmarkSettings, bench: Bench) -> CrowdCells:
    """Return the cells of the people who have photos to rank and at least two to train on.

    Raises:
        ConfigError: an attack or a method does not exist, or so many people are to protect that there is no crowd.
    """
    asked = bench.experiment.identities
    counts = dict.fromkeys(asked.people if asked else (), 0)
    for item in bench.train.items:
        if item.person in counts:
            counts[item.person] += 1
    people = [person for person, count in counts.items() if count > 1]
    drawn = {size: draws(people, size, settings.crowd_draws) for size in dict.fromkeys(settings.crowd_people)}
    return CrowdCells(bench, cells_of(settings, bench.setup, drawn), drawn, settings.leaked)


def check_crowd(settings: BenchmarkSettings, kind: str) -> None:
    """Check that what was asked for can be measured in a crowd.

    Raises:
        ConfigError: the data set shows no people, or fractions were asked for.
    """
    if kind != "faces":
        raise ConfigError(f"--crowd needs a data set of people, which {settings.dataset} is not", hint="use pubfig")
    if settings.fractions:
        raise ConfigError("--fractions is not for --crowd", hint="use --leaked and --crowd-people")
