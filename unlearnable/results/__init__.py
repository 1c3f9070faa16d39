"""What the commands report: the JSON they print is these models, and `schema_version` counts their changes."""

from __future__ import annotations

from unlearnable.results.common import EpochRecord, Retrieval, SkippedRecord
from unlearnable.results.protect import ManifestLine, ProtectPlan, ProtectReport, SurrogateLoss, TriggerFigures
from unlearnable.results.train import TrainReport
from unlearnable.results.verify import BothWays, Cell, Data, Finding, GalleryRecord, Outcome, References, VerifyReport

__all__ = [
    "BothWays",
    "Cell",
    "Data",
    "EpochRecord",
    "Finding",
    "GalleryRecord",
    "ManifestLine",
    "Outcome",
    "ProtectPlan",
    "ProtectReport",
    "References",
    "Retrieval",
    "SkippedRecord",
    "SurrogateLoss",
    "TrainReport",
    "TriggerFigures",
    "VerifyReport",
]
