"""What the commands report: the JSON they print is these models, and `schema_version` counts their changes."""

from __future__ import annotations

from unlearnable.results.benchmark import (
    BenchmarkCell,
    BenchmarkPlan,
    BenchmarkReport,
    FluencyRecord,
    PaperFigures,
    PaperRow,
    PlannedCell,
    ProtectionRecord,
    TableRecord,
)
from unlearnable.results.common import BothWays, EpochRecord, Retrieval, SkippedRecord
from unlearnable.results.explain import (
    EmbeddingMap,
    ExplainReport,
    Explanation,
    MapPoint,
    PreviewReport,
    WordRecord,
)
from unlearnable.results.protect import ManifestLine, ProtectPlan, ProtectReport, SurrogateLoss, TriggerFigures
from unlearnable.results.train import TrainReport
from unlearnable.results.verify import Cell, Data, Finding, GalleryRecord, Outcome, References, VerifyReport

__all__ = [
    "BenchmarkCell",
    "BenchmarkPlan",
    "BenchmarkReport",
    "BothWays",
    "Cell",
    "Data",
    "EmbeddingMap",
    "EpochRecord",
    "ExplainReport",
    "Explanation",
    "Finding",
    "FluencyRecord",
    "GalleryRecord",
    "ManifestLine",
    "MapPoint",
    "Outcome",
    "PaperFigures",
    "PaperRow",
    "PlannedCell",
    "PreviewReport",
    "ProtectPlan",
    "ProtectReport",
    "ProtectionRecord",
    "References",
    "Retrieval",
    "SkippedRecord",
    "SurrogateLoss",
    "TableRecord",
    "TrainReport",
    "TriggerFigures",
    "VerifyReport",
    "WordRecord",
]
