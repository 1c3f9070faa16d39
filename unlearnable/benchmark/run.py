"""`benchmark` from end to end: find the data, decode it once, run missing cells, write tables and the figure."""

import os
import time
from dataclasses import replace
from pathlib import Path

from unlearnable.benchmark import SUITES
from unlearnable.benchmark.cells import VERSION, Cells, decoded
from unlearnable.benchmark.suites import TRANSFER, Suite, set_up
from unlearnable.benchmark.tables import draw, lay_out, to_markdown
from unlearnable.errors import InputError
from unlearnable.models.device import choose_device
from unlearnable.models.openclip import fetch
from unlearnable.report import BenchmarkPlan, BenchmarkReport, SkippedRecord, made_by
from unlearnable.report.html import benchmark_page
from unlearnable.settings import BenchmarkSettings
from unlearnable.storage import files
from unlearnable.storage.folders import cache_folder, lock_output, refuse_among
from unlearnable.storage.pool import process
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import pairs_of
from unlearnable.training.retrieval import chance, retrieve, scores
from unlearnable.verify.cells import Experiment, ModelPool
from unlearnable.wording import counted

DATA = "UNLEARNABLE_DATA"


def benchmark(
    settings: BenchmarkSettings, *, resume: bool = False, progress: Progress | None = None
) -> BenchmarkReport | None:
    """Run the missing cells of a suite, and write its tables and its figure.

    With `resume` a cell that was stopped partway continues; finished cells are never run again. Started by `accelerate
    launch` or `torchrun`, each process runs its share of the protections and the cells that need them, and the report
    is None in every process but the first; a call without them afterwards runs nothing and writes all tables.

    Raises:
        InputError: the data set is missing or has no known layout.
        ModelError: a surrogate or victim is not available.
        ConfigError: a name or an attack does not exist, or the output lies in the data set.
        OutputError: the output cannot be written, holds tables or a report of something else, or another run has it.
    """
    started, progress, number = time.monotonic(), progress or Silent(), process()[0]
    cells, skipped, notes = prepare(settings, resume=resume, progress=progress)
    folder = cells.folder
    files.check_writable(folder, files.ELSEWHERE)
    with lock_output(folder, folder / f".lock-{number}", "benchmark"):
        ran = cells.run_missing(progress)
        if number:
            return None
        report = _report(settings, cells, skipped, notes, ran)
        report = report.model_copy(update={"seconds": round(time.monotonic() - started, 1)})
        for name in report.figures:
            draw(report, folder / name)
        files.write_text(folder / "report.html", benchmark_page(report))
        files.write_text(folder / "table.md", to_markdown(report))
        files.write_text(folder / "table.json", report.model_dump_json(indent=2) + "\n")
    return report


def plan(settings: BenchmarkSettings, *, progress: Progress | None = None) -> BenchmarkPlan:
    """Return the cells that `benchmark` would run.

    Raises:
        InputError: the data set is missing or has no known layout.
    """
    cells, _, _ = prepare(settings, resume=False, progress=progress or Silent())
    left = [cell.title for cell in cells.plans if cells.done(cell) is None]
    return BenchmarkPlan(
        dataset=cells.setup.suite.name,
        scale=settings.scale,
        train_photos=len(cells.train.items),
        cells=left,
        done=len(cells.plans) - len(left),
    )


def prepare(
    settings: BenchmarkSettings, *, resume: bool, progress: Progress
) -> tuple[Cells, list[SkippedRecord], list[str]]:
    """Open the data set and decode the photos that the scale needs; return the cells, skipped photos and notes."""
    suite = SUITES[settings.dataset]
    setup = set_up(settings, suite)
    root = locate(settings, suite)
    folder = settings.output or Path(f"benchmark-{suite.name}")
    refuse_among(folder, root)
    files.refuse_others(folder, "table.json", "table.md", "report.html")
    corpus = suite.read(root, settings.limit or setup.scale.train)
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
    return cells, [*map(SkippedRecord.of, corpus.skipped), *train.skipped, *test.skipped], list(corpus.notes)


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
    settings: BenchmarkSettings, cells: Cells, skipped: list[SkippedRecord], notes: list[str], ran: int
) -> BenchmarkReport:
    """Return the report on the finished cells, with their tables."""
    setup, gallery, pool = cells.setup, cells.experiment.gallery, cells.experiment.pool
    paper, victims, done = setup.suite.paper, setup.victims, cells.all_done()
    before = [(name, ("pretrained", role or "", 0.0)) for name, role in victims.items()]
    missing = len(cells.plans) - len(done)  # other processes may still be at work on theirs
    if missing:
        notes = [*notes, f"{counted(missing, 'cell')} missing: run the same command once all processes have ended"]
    report = BenchmarkReport(
        dataset=setup.suite.name,
        title=setup.suite.title,
        scale=settings.scale,
        data=str(settings.data or setup.suite.name),
        output=str(cells.folder),
        train_photos=len(cells.train.items),
        train_pairs=sum(len(item.captions) for item in cells.train.items),
        test_photos=int(gallery.photos.max()) + 1,
        test_captions=len(gallery),
        random=chance(gallery),
        random_paper=paper.get(("random ranking", "", 0.0)),
        pretrained={} if pool.from_scratch else {n: scores(retrieve(pool.pretrained(n), gallery)) for n in victims},
        pretrained_paper={name: paper[key] for name, key in before if key in paper},
        transfer_paper=paper.get((TRANSFER, "RN50", 1.0)),
        roles={name: role for name, role in victims.items() if role},
        differs=list(setup.scale.differs),
        protections=cells.protection_records(),
        tables=[],
        figures=[f"figures/{setup.suite.name}-curves.png"] if done else [],
        skipped=skipped,
        notes=notes,
        device=pool.device,
        made_by=made_by(),
        settings=settings.model_dump(mode="json", exclude_none=True),
        ran=ran,
        reused=len(done) - ran,
        seconds=0.0,
        cells=done,
    )
    return report.model_copy(update={"tables": lay_out(report)})
