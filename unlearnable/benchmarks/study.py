"""`benchmark` from end to end: find the data, decode it once, run what is missing, write tables and figures."""

from __future__ import annotations

import os
import time
from pathlib import Path

from unlearnable import files
from unlearnable.benchmarks import SUITES
from unlearnable.benchmarks.bench import VERSION, Bench
from unlearnable.benchmarks.estimate import estimate
from unlearnable.benchmarks.fluency import read_captions
from unlearnable.benchmarks.pixel_cache import DecodedPhotos, decoded
from unlearnable.benchmarks.plan import Planned, Setup, digest, set_up
from unlearnable.benchmarks.runner import run
from unlearnable.benchmarks.suites.base import Item, Suite
from unlearnable.benchmarks.summary import report_of, write
from unlearnable.config import BenchmarkSettings
from unlearnable.errors import InputError
from unlearnable.experiments.cells import Experiment
from unlearnable.experiments.models import ModelPool
from unlearnable.folders import cache_folder
from unlearnable.models.device import choose_device
from unlearnable.posts.pairs import pairs_of
from unlearnable.progress import Progress, Silent
from unlearnable.results import BenchmarkPlan, BenchmarkReport, SkippedRecord

DATA = "UNLEARNABLE_DATA"


def benchmark(
    settings: BenchmarkSettings, *, resume: bool = False, progress: Progress | None = None
) -> BenchmarkReport | None:
    """Run the cells of a suite that are not there yet, and write its tables and figures.

    Started by `accelerate launch` or `torchrun`, each process runs its share of the protections and
    the cells that need them; a call without them afterwards runs nothing and lays out all.

    Args:
        settings: see `unlearnable.config.BenchmarkSettings`.
        resume: go on inside a cell that was stopped; finished ones are never run again.
        progress: told what happens.

    Returns:
        Every cell, with the tables and where the figures are; None in all of several processes but the first.

    Raises:
        InputError: the data set is not there or is laid out in no known way.
        ModelError: a surrogate or victim is not available.
        ConfigError: a name or an attack does not exist.
    """
    started, progress = time.monotonic(), progress or Silent()
    bench, skipped, notes = make_ready(settings, resume=resume, progress=progress)
    files.check_writable(bench.folder)
    if earlier := bench.store.without_key():
        progress.note(f"{earlier} cells of an earlier version in {bench.folder} cannot be used: they are run again")
    ran = 0
    for cell in mine(bench):
        if bench.done(cell) is None:
            run(bench, cell, progress)
            ran += 1
    if process()[0]:
        return None
    report = report_of(settings, bench, skipped, notes, read_captions(bench, progress))
    counted = {"ran": ran, "reused": len(report.cells) - ran, "seconds": round(time.monotonic() - started, 1)}
    return write(report.model_copy(update=counted), latex=settings.latex)


def plan(settings: BenchmarkSettings, *, progress: Progress | None = None) -> BenchmarkPlan:
    """The cells that `benchmark` would run, and about how long they take on this machine.

    Raises:
        InputError: the data set is not there or is laid out in no known way.
    """
    bench, _, _ = make_ready(settings, resume=False, progress=progress or Silent())
    return estimate(bench, settings)


def make_ready(
    settings: BenchmarkSettings, *, resume: bool, progress: Progress
) -> tuple[Bench, list[SkippedRecord], list[str]]:
    """Open the data set and decode what the scale takes of it."""
    suite = SUITES[settings.dataset]
    setup = set_up(settings, suite)
    root = locate(settings, suite)
    limit = settings.limit or setup.scale.train
    corpus = suite.read(root, limit, 0)
    pool = ModelPool(device_of(settings), setup.scale.from_scratch)
    for name in (setup.surrogate, *setup.victims):  # before anything long is begun
        pool.pretrained(name)
    cache, side = settings.cache_dir or cache_folder() / "photos", setup.scale.pixels
    items = [Item(item.photo, item.captions[: setup.scale.captions]) for item in corpus.train]
    train = decoded(items, side, cache, progress)
    test = decoded(corpus.test[: setup.scale.test], side, cache, progress)
    gallery = pairs_of(test.pixels, _texts(test))
    shown = digest(test.pixels.sha256(), _texts(test))
    experiment = Experiment(pool, gallery, shown, VERSION)
    folder = settings.output or Path(f"benchmark-{suite.name}")
    bench = Bench(setup, train, experiment, folder, digest(train.pixels.sha256(), _texts(train)), resume)
    skipped = [SkippedRecord.of(skip) for skip in corpus.skipped]
    return bench, [*skipped, *train.skipped, *test.skipped], [*corpus.notes, *_asked(settings, setup)]


def _asked(settings: BenchmarkSettings, setup: Setup) -> list[str]:
    """What was asked for in place of the scale's own set-up, which the tables' notes tell."""
    asked = {"limit": settings.limit, "surrogate": settings.surrogate, "victims": ",".join(settings.victims or ())}
    options = [f"--{name} {value}" for name, value in asked.items() if value]
    notes = [f"asked for in place of the scale's own set-up: {' '.join(options)}"] if options else []
    some = any(fraction < 1 for fraction in settings.fractions or ())
    if some and any(cell.method != "clean" and cell.fraction == 1 for cell in setup.cells):
        notes.append("fractions are for methods with a trigger and the first victim; all else is protected in full")
    return notes


def locate(settings: BenchmarkSettings, suite: Suite) -> Path:
    """The folder of the data set: the one given, or below `$UNLEARNABLE_DATA`, or in the cache.

    Raises:
        InputError: it is at none of these places.
    """
    place = settings.data if settings.data is not None and settings.data.is_dir() else None
    if settings.data is None:
        place = found(suite)
    if place is None:
        tried = [settings.data] if settings.data is not None else _places(suite)
        raise InputError(
            f"there is no {suite.title} at {' or '.join(map(str, tried))}",
            hint=f"it is published at {suite.published}; --data takes a folder with {suite.layouts}",
        )
    return place


def found(suite: Suite) -> Path | None:
    """Where a data set lies that no folder was given for, or None."""
    return next((place for place in _places(suite) if place.is_dir()), None)


def _places(suite: Suite) -> list[Path]:
    homes = [Path(os.environ[DATA])] if os.environ.get(DATA) else []
    return [home / suite.name for home in (*homes, cache_folder() / "data")]


def process() -> tuple[int, int]:
    """The number of this process from 0 and how many there are, as `accelerate launch` and `torchrun` say."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def device_of(settings: BenchmarkSettings) -> str:
    """The device; with several processes each takes its own GPU."""
    device = choose_device(settings.device)
    return f"cuda:{os.environ['LOCAL_RANK']}" if device == "cuda" and "LOCAL_RANK" in os.environ else device


def mine(bench: Bench) -> list[Planned]:
    """The cells of this process: all of them, or those of its share of the protections."""
    rank, size = process()
    stores = {cell: bench.protection(cell) for cell in bench.setup.cells}
    digests = {cell: store.digest if store else "" for cell, store in stores.items()}
    order = list(dict.fromkeys(digests.values()))
    return [cell for cell in bench.setup.cells if order.index(digests[cell]) % size == rank]


def _texts(photos: DecodedPhotos) -> list[tuple[str, ...]]:
    return [item.captions for item in photos.items]
