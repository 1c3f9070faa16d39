"""Summarise the cells of a benchmark: the report, its tables and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from unlearnable.benchmarks.cells import Bench, Cells
from unlearnable.benchmarks.charts import draw
from unlearnable.benchmarks.processes import said_of_missing
from unlearnable.benchmarks.suites.base import TRANSFER
from unlearnable.benchmarks.tables import lay_out, to_latex, to_markdown
from unlearnable.config import BenchmarkSettings
from unlearnable.disk import files
from unlearnable.report.html import benchmark_page
from unlearnable.results import BenchmarkReport, SkippedRecord
from unlearnable.results.common import made_by
from unlearnable.training.retrieval import chance, rank, retrieve, scores

RANDOM_FEATURES = 256
ALT = {
    "curves": "Training loss and held-out Medr of each epoch, one line per method",
    "hit10": "Hit@10 on clean test photos, one bar per method and victim, in both directions",
}


def suite_report(
    settings: BenchmarkSettings,
    cells: Cells,
    skipped: Sequence[SkippedRecord],
    notes: Sequence[str],
) -> BenchmarkReport:
    """Return the report on the finished cells, with their tables."""
    bench = cells.bench
    setup, gallery, pool = bench.setup, bench.experiment.gallery, bench.experiment.pool
    paper = setup.suite.paper
    pretrained_names = [] if setup.scale.from_scratch else list(setup.victims)
    photos = int(gallery.photos.max()) + 1
    done = cells.all_done()
    report = BenchmarkReport(
        dataset=setup.suite.name,
        title=setup.suite.title,
        scale=settings.scale,
        data=str(settings.data or setup.suite.name),
        output=str(bench.folder),
        train_photos=len(bench.train.items),
        train_pairs=sum(len(item.captions) for item in bench.train.items),
        test_photos=photos,
        test_captions=len(gallery),
        random=chance(gallery),
        random_paper=paper.get(("random ranking", "", 0.0)),
        random_measured=scores(rank(*_random_features(photos, len(gallery)), gallery.photos)),
        pretrained={name: scores(retrieve(pool.pretrained(name), gallery)) for name in pretrained_names},
        pretrained_paper={
            name: paper["pretrained", role, 0.0]
            for name, role in setup.victims.items()
            if role and ("pretrained", role, 0.0) in paper
        },
        transfer_paper=paper.get((TRANSFER, "RN50", 1.0)),
        roles={name: role for name, role in setup.victims.items() if role},
        differs=[*setup.scale.differs, *_coarser(bench)],
        protections=cells.protection_records(),
        tables=[],
        figures=[],
        skipped=list(skipped),
        notes=[*notes, *said_of_missing(len(cells.plans) - len(done))],
        device=pool.device,
        made_by=made_by(),
        settings=settings.model_dump(mode="json", exclude_none=True),
        ran=0,
        reused=0,
        seconds=0.0,
        cells=done,
    )
    return report.model_copy(update={"tables": lay_out(report)})


def write(report: BenchmarkReport, *, latex: bool) -> BenchmarkReport:
    """Write figures, tables and the report into the folder of the run."""
    folder = Path(report.output)
    drawn = draw(report, folder / "figures") if report.cells else []
    report = report.model_copy(update={"figures": [str(path.relative_to(folder)) for path in drawn]})
    files.write_text(
        folder / "report.html", benchmark_page(report, {path: ALT[path.stem.rpartition("-")[2]] for path in drawn})
    )
    files.write_text(folder / "table.md", to_markdown(report))
    files.write_text(folder / "table.json", report.model_dump_json(indent=2) + "\n")
    if latex or (folder / "table.tex").exists():  # one of an earlier call would contradict the others
        files.write_text(folder / "table.tex", to_latex(report.tables))
    return report


def _coarser(bench: Bench) -> list[str]:
    """Return a sentence on noise that is coarser than the photos, if it is."""
    side, full_side = bench.setup.suite.noise_side, bench.setup.scale.pixels
    if side is None or side >= full_side:
        return []
    return [
        f"Noise is made on a grid of {side} pixels and enlarged to {full_side}, so that photos and noise fit 16 GB."
    ]


def _random_features(photos: int, captions: int) -> tuple[Tensor, Tensor]:
    """Return independent random features of photos and captions."""
    generator = torch.Generator().manual_seed(0)
    drawn = (torch.randn(count, RANDOM_FEATURES, generator=generator) for count in (photos, captions))
    images, texts = (functional.normalize(rows, dim=1) for rows in drawn)
    return images, texts
