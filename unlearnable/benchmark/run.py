"""`benchmark` from end to end: find the data, decode it once, run missing cells, write tables and figures."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from unlearnable.benchmark import SUITES
from unlearnable.benchmark.cells import VERSION, Cells
from unlearnable.benchmark.plan import Setup, set_up
from unlearnable.benchmark.protections import decoded, waiting
from unlearnable.benchmark.suites import TRANSFER, Suite
from unlearnable.benchmark.tables import draw, lay_out, to_latex, to_markdown
from unlearnable.errors import InputError
from unlearnable.models.device import choose_device
from unlearnable.models.openclip import fetch
from unlearnable.report import BenchmarkPlan, BenchmarkReport, PlannedCell, SkippedRecord
from unlearnable.report.common import made_by
from unlearnable.report.html import benchmark_page
from unlearnable.settings import BenchmarkSettings
from unlearnable.storage import files
from unlearnable.storage.folders import cache_folder, refuse_among
from unlearnable.storage.locks import locked
from unlearnable.storage.pool import is_first, process
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import pairs_of
from unlearnable.training.retrieval import chance, rank, retrieve, scores
from unlearnable.verify.cells import Experiment, ModelPool
from unlearnable.wording import counted

DATA = "UNLEARNABLE_DATA"
RANDOM_FEATURES = 256
ALT = {
    "curves": "Training loss and held-out Medr of each epoch, one line per method",
    "hit10": "Hit@10 on clean test photos, one bar per method and victim, in both directions",
}


def benchmark(
    settings: BenchmarkSettings, *, resume: bool = False, progress: Progress | None = None
) -> BenchmarkReport | None:
    """Run the missing cells of a suite, and write its tables and figures.

    With `resume` a cell that was stopped partway continues; finished cells are never run again. Started by `accelerate
    launch` or `torchrun`, each process runs its share of the protections and the cells that need them, and the report
    is None in every process but the first; a call without them afterwards runs nothing and writes all tables.

    Raises:
        InputError: the data set is missing or has no known layout.
        ModelError: a surrogate or victim is not available.
        ConfigError: a name or an attack does not exist, or the output lies in the data set.
        OutputError: the output cannot be written, or holds tables or a report of something else.
    """
    started, progress = time.monotonic(), progress or Silent()
    cells, skipped, notes = prepare(settings, resume=resume, progress=progress)
    files.check_writable(cells.folder, files.ELSEWHERE)
    ran = cells.run_missing(progress)
    if not is_first():
        return None
    report = _report(settings, cells, skipped, notes)
    figures = {"ran": ran, "reused": len(report.cells) - ran, "seconds": round(time.monotonic() - started, 1)}
    with locked(cells.folder / ".lock", waiting("writes the tables", progress)):
        return write(report.model_copy(update=figures), latex=settings.latex)


def plan(settings: BenchmarkSettings, *, progress: Progress | None = None) -> BenchmarkPlan:
    """Return the cells that `benchmark` would run.

    Raises:
        InputError: the data set is missing or has no known layout.
    """
    cells, _, _ = prepare(settings, resume=False, progress=progress or Silent())
    planned = [
        PlannedCell(
            surrogate=cells.setup.surrogate if cell.protection_recipe else None,
            victim=cell.victim,
            through=cell.attack.name,
            seed=cell.seed,
            done=cells.done(cell) is not None,
            method=cell.method,
            fraction=cell.fraction,
        )
        for cell in cells.plans
    ]
    name, photos = cells.setup.suite.name, len(cells.train.items)
    return BenchmarkPlan(dataset=name, scale=settings.scale, train_photos=photos, cells=planned)


def prepare(
    settings: BenchmarkSettings, *, resume: bool, progress: Progress
) -> tuple[Cells, list[SkippedRecord], list[str]]:
    """Open the data set and decode the photos that the scale needs; return the cells, skipped photos and notes."""
    suite = SUITES[settings.dataset]
    setup = set_up(settings, suite)
    root = locate(settings, suite)
    folder = settings.output or Path(f"benchmark-{suite.name}")
    refuse_among(folder, root)
    files.refuse_others(folder, "table.json", "table.md", "table.tex", "report.html")
    corpus = suite.read(root, settings.limit or setup.scale.train, 0)
    models = (setup.surrogate, *setup.victims)
    fetch(models, progress)
    device = choose_device(settings.device)
    if device == "cuda" and "LOCAL_RANK" in os.environ:  # each of several processes uses a GPU of its own
        device = f"cuda:{os.environ['LOCAL_RANK']}"
    pool = ModelPool(device, setup.scale.from_scratch)
    for name in models:  # fail here rather than after hours of work
        pool.pretrained(name)
    cache, side = cache_folder() / "photos", setup.scale.pixels
    items = [replace(item, captions=item.captions[: setup.scale.captions]) for item in corpus.train]
    train = decoded(items, side, cache, progress)
    test = decoded(corpus.test[: setup.scale.test], side, cache, progress)
    experiment = Experiment(pool, pairs_of(test.pixels, test.captions), test.sha256(), VERSION)
    cells = Cells(setup, train, experiment, folder, resume=resume)
    skipped = [*map(SkippedRecord.of, corpus.skipped), *train.skipped, *test.skipped]
    return cells, skipped, [*corpus.notes, *_notes_on_settings(settings, setup)]


def _notes_on_settings(settings: BenchmarkSettings, setup: Setup) -> list[str]:
    """Return notes for the tables on settings that replace the scale's own."""
    replaced = {"limit": settings.limit, "surrogate": settings.surrogate, "victims": ",".join(settings.victims or ())}
    options = [f"--{name} {value}" for name, value in replaced.items() if value]
    notes = [f"settings that replace the scale's own: {' '.join(options)}"] if options else []
    some = any(fraction < 1 for fraction in settings.fractions or ())
    if some and any(cell.method != "clean" and cell.fraction == 1 for cell in setup.cells):
        notes.append("fractions apply to mem-K and the first victim; all else is protected in full")
    return notes


def locate(settings: BenchmarkSettings, suite: Suite) -> Path:
    """Return the folder of the data set: that of the settings, or one below `$UNLEARNABLE_DATA` or in the cache.

    Raises:
        InputError: the folder does not exist.
    """
    tried = _default_folders(suite) if settings.data is None else [settings.data]
    folder = next(filter(Path.is_dir, tried), None)
    if folder is None:
        raise InputError(
            f"there is no {suite.title} at {' or '.join(map(str, tried))}",
            hint=f"download it from {suite.published} and pass its folder with `data`; readable: {suite.layouts}",
        )
    return folder


def find_data(suite: Suite) -> Path | None:
    """Return the first default folder of a data set that exists, or None."""
    return next(filter(Path.is_dir, _default_folders(suite)), None)


def _default_folders(suite: Suite) -> list[Path]:
    homes = [Path(os.environ[DATA])] if os.environ.get(DATA) else []
    return [home / suite.name for home in (*homes, cache_folder() / "data")]


def _report(
    settings: BenchmarkSettings, cells: Cells, skipped: list[SkippedRecord], notes: Sequence[str]
) -> BenchmarkReport:
    """Return the report on the finished cells, with their tables."""
    setup, gallery, pool = cells.setup, cells.experiment.gallery, cells.experiment.pool
    paper, side = setup.suite.paper, setup.suite.noise_side
    differs = [*setup.scale.differs]
    if side is not None and side < setup.scale.pixels:
        differs.append(
            f"Noise is made on a grid of {side} pixels and enlarged to {setup.scale.pixels}, so that photos and noise "
            "fit 16 GB."
        )
    done = cells.all_done()
    photos = int(gallery.photos.max()) + 1
    report = BenchmarkReport(
        dataset=setup.suite.name,
        title=setup.suite.title,
        scale=settings.scale,
        data=str(settings.data or setup.suite.name),
        output=str(cells.folder),
        train_photos=len(cells.train.items),
        train_pairs=sum(len(item.captions) for item in cells.train.items),
        test_photos=photos,
        test_captions=len(gallery),
        random=chance(gallery),
        random_paper=paper.get(("random ranking", "", 0.0)),
        random_measured=scores(rank(*_random_features(photos, len(gallery)), gallery.photos)),
        pretrained={
            name: scores(retrieve(pool.pretrained(name), gallery))
            for name in ([] if setup.scale.from_scratch else setup.victims)
        },
        pretrained_paper={
            name: paper["pretrained", role, 0.0]
            for name, role in setup.victims.items()
            if role and ("pretrained", role, 0.0) in paper
        },
        transfer_paper=paper.get((TRANSFER, "RN50", 1.0)),
        roles={name: role for name, role in setup.victims.items() if role},
        differs=differs,
        protections=cells.protection_records(),
        tables=[],
        figures=[],
        skipped=skipped,
        notes=[*notes, *_note_on_missing(len(cells.plans) - len(done))],
        device=pool.device,
        made_by=made_by(),
        settings=settings.model_dump(mode="json", exclude_none=True),
        ran=0,
        reused=0,
        seconds=0.0,
        cells=done,
    )
    return report.model_copy(update={"tables": lay_out(report)})


def _random_features(photos: int, captions: int) -> tuple[Tensor, Tensor]:
    """Return independent random features of photos and captions."""
    generator = torch.Generator().manual_seed(0)
    drawn = (torch.randn(count, RANDOM_FEATURES, generator=generator) for count in (photos, captions))
    images, texts = (functional.normalize(rows, dim=1) for rows in drawn)
    return images, texts


def _note_on_missing(cells: int) -> list[str]:
    """Return a note on cells that are missing, if any: other processes may still be at work on theirs."""
    if not cells:
        return []
    if process()[1] > 1:
        return [f"{counted(cells, 'cell')} of other processes missing: run the same command once they have ended"]
    return [f"{counted(cells, 'cell')} missing: run the same command to continue"]


def write(report: BenchmarkReport, *, latex: bool) -> BenchmarkReport:
    """Write figures, tables and the report into the folder of the run."""
    folder = Path(report.output)
    drawn = draw(report, folder / "figures") if report.cells else []
    report = report.model_copy(update={"figures": [str(path.relative_to(folder)) for path in drawn]})
    page = benchmark_page(report, {path: ALT[path.stem.rpartition("-")[2]] for path in drawn})
    files.write_text(folder / "report.html", page)
    files.write_text(folder / "table.md", to_markdown(report))
    files.write_text(folder / "table.json", report.model_dump_json(indent=2) + "\n")
    if latex or (folder / "table.tex").exists():  # one of an earlier call would contradict the others
        files.write_text(folder / "table.tex", to_latex(report.tables))
    return report
