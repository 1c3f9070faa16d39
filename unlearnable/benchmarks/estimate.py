"""Estimate how long the cells of a benchmark take on this machine, by timing one step of each kind."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnable.benchmarks.bench import AnyCells, Bench
from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import CellPlan, ProtectionRecipe
from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.benchmarks.protections import problem_of
from unlearnable.config import BenchmarkSettings
from unlearnable.disk.scratch import scratch_folder
from unlearnable.methods import METHODS
from unlearnable.methods.base import settings_for
from unlearnable.posts.pairs import pairs_of
from unlearnable.protection.timing import tried_seconds
from unlearnable.results import BenchmarkPlan, PlannedCell
from unlearnable.training.loop import steps_an_epoch
from unlearnable.verify.victims import asking_seconds, step_seconds


def estimate(cells: AnyCells, settings: BenchmarkSettings) -> BenchmarkPlan:
    """Return the cells, which of them are done, and the estimated seconds of the others and their protections."""
    bench, seconds = cells.bench, training_seconds(cells.bench)
    missing = [cell for cell in cells.plans if cells.done(cell) is None]
    planned = [
        PlannedCell(
            surrogate=bench.setup.surrogate if cell.protection_recipe else None,
            victim=cell.victim,
            through=cell.attack.name,
            seed=cell.seed,
            done=cell not in missing,
            seconds=round(seconds[cell.victim], 1) if cell in missing else 0.0,
            **cell.row,
        )
        for cell in cells.plans
    ]
    protections = _protections(cells, missing)
    return BenchmarkPlan(
        dataset=bench.setup.suite.name,
        scale=settings.scale,
        train_photos=len(bench.train.items),
        cells=planned,
        protection_seconds=protections,
        seconds=round(sum(cell.seconds for cell in planned) + sum(protections.values()), 1),
    )


def _protections(cells: AnyCells, missing: Sequence[CellPlan]) -> dict[str, float]:
    """Return the seconds of the protections to be made for missing cells; those that take as long are summed."""
    first = {cell.protected_by: cell for cell in reversed(missing)}
    seconds: dict[str, float] = {}
    of_one: dict[str, float] = {}
    for name, store in cells.protections.items():
        if name not in first or store.read() is not None:
            continue
        cell = first[name]
        if cell.timed_as not in of_one:
            of_one[cell.timed_as] = _protection_seconds(cells.bench, store.recipe, cells.photos(cell))
        seconds[cell.timed_as] = round(seconds.get(cell.timed_as, 0.0) + of_one[cell.timed_as], 1)
    return seconds


def training_seconds(bench: Bench) -> dict[str, float]:
    """Return the seconds that training each victim takes, and asking it for the people's names where that is done."""
    recipe, pairs = bench.setup.scale.recipe, pairs_of(bench.train.pixels, bench.train.captions)
    steps = recipe.epochs * steps_an_epoch(pairs, recipe)
    seconds = {}
    for name in bench.setup.victims:
        model = bench.experiment.pool.start(name, 0)
        training = steps * step_seconds(model, pairs, recipe)
        seconds[name] = training + asking_seconds(model, bench.experiment.identities)
    return seconds


def _protection_seconds(bench: Bench, recipe: ProtectionRecipe, train: DecodedPhotos) -> float:
    """Return the seconds of a protection, from one round on its first batch."""
    part = min(recipe.settings.batch_size, len(train.items))
    photos = DecodedPhotos(train.pixels.first(part), train.items[:part], ())
    method = METHODS[recipe.name]()
    with scratch_folder() as folder:
        problem = problem_of(ProtectionStore(recipe, folder, {}), photos, bench.surrogate())
        return tried_seconds(method, problem, settings_for(method, recipe.settings, {}), len(train.items))
