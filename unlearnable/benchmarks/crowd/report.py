"""The report on people in a crowd, with its table."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnable.benchmarks.crowd.cells import CrowdCells
from unlearnable.benchmarks.crowd.figures import figures
from unlearnable.benchmarks.crowd_table import crowd_table
from unlearnable.benchmarks.processes import said_of_missing
from unlearnable.benchmarks.summary import report_of
from unlearnable.config import BenchmarkSettings
from unlearnable.results import BenchmarkReport, SkippedRecord


def crowd_report(
    settings: BenchmarkSettings, crowd: CrowdCells, skipped: Sequence[SkippedRecord], notes: Sequence[str]
) -> BenchmarkReport:
    """Return the report on the finished cells, with its table."""
    done = crowd.all_done()
    found = {"unread": "", "cells": [], "crowd_cells": list(done.values()), "crowd": figures(crowd, done)}
    notes = [*notes, *said_of_missing(len(crowd.plans) - len(done))]
    report = report_of(settings, crowd, skipped, notes, found)
    return report.model_copy(update={"tables": [crowd_table(report)] if report.crowd else []})
