"""A prepared benchmark of people in a crowd: the photos of each draw, and every cell with its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlearnable.attacks import versioned
from unlearnable.benchmarks.bench import Bench, renamed, start_seed
from unlearnable.benchmarks.crowd.plan import CrowdCellPlan, Draw, cells_of, draws
from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import digest
from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.config import BenchmarkSettings
from unlearnable.errors import ConfigError
from unlearnable.experiments.arms import leaked_posts
from unlearnable.experiments.cell_store import CellStore, Key
from unlearnable.results import CrowdBenchmarkCell


@dataclass
class CrowdBench:
    """Everything that the cells of a benchmark of people in a crowd share.

    Attributes:
        bench: photos, gallery and models.
        drawn: draws by the number of protected people.
        cells: cells to run, in order.
        leaked: share of the protected people's photos that leaked clean, in the arm half.
        store: store of the finished cells.
        protections: store of each protection, by method and draw.
    """

    bench: Bench
    drawn: Mapping[int, Sequence[Draw]]
    cells: Sequence[CrowdCellPlan]
    leaked: float
    store: CellStore[CrowdBenchmarkCell] = field(init=False)
    protections: dict[tuple[str, Draw], ProtectionStore] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Resolve every protection once."""
        self.store = CellStore(self.bench.folder / "cells", CrowdBenchmarkCell)
        for cell in self.cells:
            made, method, draw = cell.protection_recipe, cell.method, cell.draw
            if made and method and draw and (method, draw) not in self.protections:
                self.protections[method, draw] = self.bench.store_of(made, self.photos(draw).sha256())

    def numbers(self, draw: Draw) -> list[int]:
        """Return the numbers of the training photos of the people of a draw."""
        people = set(draw.people)
        return [n for n, item in enumerate(self.bench.train.items) if item.person in people]

    def photos(self, draw: Draw) -> DecodedPhotos:
        """Return the training photos of the people of a draw."""
        train, chosen = self.bench.train, self.numbers(draw)
        return DecodedPhotos(train.pixels.choose(chosen), tuple(train.items[n] for n in chosen), ())

    def leaked_of(self, cell: CrowdCellPlan) -> frozenset[int]:
        """Return which of the photos of a cell's draw are clean, counted within the draw; none but in the arm half."""
        if cell.draw is None or cell.arm != "half":
            return frozenset()
        return leaked_posts(len(self.numbers(cell.draw)), self.leaked, cell.draw.number)

    def protection(self, cell: CrowdCellPlan) -> ProtectionStore | None:
        """Return the store of a cell's protection; None for arms without protected posts."""
        return self.protections[cell.method, cell.draw] if cell.method and cell.draw else None

    def key(self, cell: CrowdCellPlan) -> Key:
        """Return the key of a cell: everything that its result depends on."""
        store = self.protection(cell)
        absent = cell.draw.people if cell.draw and cell.arm == "absent" else ()
        parts = (store.digest if store else "", versioned(cell.attack.name), sorted(self.leaked_of(cell)), absent)
        arm = digest(self.bench.data, cell.arm, *parts)
        return self.bench.experiment.key(cell.victim, arm, cell.recipe, start_seed(cell))

    def done(self, cell: CrowdCellPlan) -> CrowdBenchmarkCell | None:
        """Return the result of a cell that was run before, under the victim's present name, or None."""
        return renamed(self.store.read(cell.name, self.key(cell)), cell.victim, self.bench.setup.surrogate)

    def checkpoint(self, cell: CrowdCellPlan) -> Path:
        """Return the checkpoint of a cell whose victim is being trained."""
        return self.store.path(cell.name, self.key(cell)).with_suffix(".partial")


def crowd_bench(settings: BenchmarkSettings, bench: Bench) -> CrowdBench:
    """Return the benchmark of the people who have photos to rank and at least two to train on.

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
    return CrowdBench(bench, drawn, cells_of(settings, bench.setup, drawn), settings.leaked)


def check_crowd(settings: BenchmarkSettings, kind: str) -> None:
    """Check that what was asked for can be measured in a crowd.

    Raises:
        ConfigError: the data set shows no people, or fractions were asked for.
    """
    if kind != "faces":
        raise ConfigError(f"--crowd needs a data set of people, which {settings.dataset} is not", hint="use pubfig")
    if settings.fractions:
        raise ConfigError("--fractions is not for --crowd", hint="use --leaked and --crowd-people")
