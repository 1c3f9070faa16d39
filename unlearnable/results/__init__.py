"""What the commands report: the JSON they print is these models, and `schema_version` counts their changes."""

from __future__ import annotations

from unlearnable.results.benchmark import (
    BenchmarkCell,
    BenchmarkPlan,
    BenchmarkReport,
    PaperFigures,
    PaperRow,
    PlannedCell,
    ProtectionRecord,
    TableRecord,
)
from unlearnable.results.common import EpochRecord, Retrieval, SkippedRecord
from unlearnable.results.protect import ManifestLine, ProtectPlan, ProtectReport, SurrogateLoss
from unlearnable.results.train import TrainReport
from unlearnable.results.verify import BothWays, Cell, Data, Finding, GalleryRecord, Outcome, References, VerifyReport

__all__ = [
    "BenchmarkCell",
    "BenchmarkPlan",
    "BenchmarkReport",
    "BothWays",
    "Cell",
    "Data",
    "EpochRecord",
    "Finding",
    "GalleryRecord",
    "ManifestLine",
    "Outcome",
    "PaperFigures",
    "PaperRow",
    "PlannedCell",
    "ProtectPlan",
    "ProtectReport",
    "ProtectionRecord",
    "References",
    "Retrieval",
    "SkippedRecord",
    "SurrogateLoss",
    "TableRecord",
    "TrainReport",
    "VerifyReport",
]
