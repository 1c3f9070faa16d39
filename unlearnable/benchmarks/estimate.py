"""Estimate how long the cells of a benchmark take on this machine, by timing one step of each kind."""

from __future__ import annotations

from unlearnable.benchmarks.bench import Bench
from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import ProtectionRecipe
from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.benchmarks.protections import problem_of
from unlearnable.benchmarks.runner import surrogate_of
from unlearnable.config import BenchmarkSettings
from unlearnable.disk.scratch import scratch_folder
from unlearnable.experiments.timing import asking_seconds, step_seconds
from unlearnable.methods import METHODS
from unlearnable.methods.base import settings_for
from unlearnable.posts.pairs import pairs_of
from unlearnable.protection.timing import tried_seconds
from unlearnable.results import BenchmarkPlan, PlannedCell
from unlearnable.training.loop import steps_an_epoch


def estimate(bench: Bench, settings: BenchmarkSettings) -> BenchmarkPlan:
    """Return the cells, which of them are done, and the estimated seconds of the others and their protections."""
    seconds, cells, protections = training_seconds(bench), [], {}
    for cell in bench.setup.cells:
        done = bench.done(cell) is not None
        store = bench.protection(cell)
        if store is not None and not done and store.read() is None and cell.method not in protections:
            protections[cell.method] = round(protection_seconds(bench, store.recipe, bench.train), 1)
        cells.append(
            PlannedCell(
                method=cell.method,
                surrogate=bench.setup.surrogate if cell.protection_recipe else None,
                victim=cell.victim,
                fraction=cell.fraction,
                through=cell.attack.name,
                seed=cell.seed,
                done=done,
                seconds=0.0 if done else round(seconds[cell.victim], 1),
            )
        )
    return plan_of(bench, settings, cells, protections)


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


def plan_of(
    bench: Bench, settings: BenchmarkSettings, cells: list[PlannedCell], protections: dict[str, float]
) -> BenchmarkPlan:
    """Return the plan of cells, and of protections with the seconds of each."""
    return BenchmarkPlan(
        dataset=bench.setup.suite.name,
        scale=settings.scale,
        train_photos=len(bench.train.items),
        cells=cells,
        protection_seconds=protections,
        seconds=round(sum(cell.seconds for cell in cells) + sum(protections.values()), 1),
    )


def protection_seconds(bench: Bench, recipe: ProtectionRecipe, train: DecodedPhotos) -> float:
    """Return the seconds of a protection, from one round on its first batch."""
    part = min(recipe.settings.batch_size, len(train.items))
    photos = DecodedPhotos(train.pixels.first(part), train.items[:part], ())
    method = METHODS[recipe.name]()
    with scratch_folder() as folder:
        problem = problem_of(ProtectionStore(recipe, folder, {}), photos, surrogate_of(bench))
        return tried_seconds(method, problem, settings_for(method, recipe.settings, {}), len(train.items))
