"""The benchmark of people in a crowd from end to end: run the missing cells, and lay out the table."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnable.benchmarks.crowd.bench import CrowdBench
from unlearnable.benchmarks.crowd.figures import figures
from unlearnable.benchmarks.crowd.runner import run
from unlearnable.benchmarks.processes import own_share, said_of_missing
from unlearnable.benchmarks.summary import report_of
from unlearnable.benchmarks.turns import run_missing
from unlearnable.config import BenchmarkSettings
from unlearnable.progress.reporting import Progress
from unlearnable.report.crowd_table import crowd_table
from unlearnable.results import BenchmarkReport, ProtectionRecord, SkippedRecord


def run_crowd(crowd: CrowdBench, progress: Progress) -> int:
    """Run the missing cells of this process; return their number."""
    own = own_share(crowd.cells, crowd.protection)
    return run_missing(crowd, own, lambda cell: run(crowd, cell, progress), progress)


def crowd_report(
    settings: BenchmarkSettings,
    crowd: CrowdBench,
    skipped: Sequence[SkippedRecord],
    notes: Sequence[str],
) -> BenchmarkReport:
    """Return the report on the finished cells, with its table."""
    done = {cell: result for cell in crowd.cells if (result := crowd.done(cell)) is not None}
    more = said_of_missing(len(crowd.cells) - len(done))
    report = report_of(settings, crowd.bench, skipped, [*notes, *more], "")
    found = {
        "crowd_cells": list(done.values()),
        "crowd": figures(crowd, done),
        "protections": _protections(crowd),
    }
    report = report.model_copy(update=found)
    return report.model_copy(update={"tables": [crowd_table(report)] if report.crowd else []})


def _protections(crowd: CrowdBench) -> list[ProtectionRecord]:
    """Return the records of the finished protections, each named by method and draw."""
    saved = {key: store.read() for key, store in crowd.protections.items()}
    return [
        one.record.model_copy(update={"method": f"{method}, {len(draw.people)} protected, draw {draw.number}"})
        for (method, draw), one in saved.items()
        if one is not None
    ]
