"""Reports of the commands: `--json` prints these models, and `schema_version` says which schema they follow."""

from __future__ import annotations

from unlearnable.report.benchmark import (
    BenchmarkCell,
    BenchmarkPlan,
    BenchmarkReport,
    PaperFigures,
    PaperRow,
    PlannedCell,
    ProtectionRecord,
    TableRecord,
)
from unlearnable.report.common import BothWays, EpochRecord, Retrieval, SkippedRecord
from unlearnable.report.models import (
    EmbeddingMap,
    ExplainReport,
    Explanation,
    MapPoint,
    TrainReport,
    WordRecord,
)
from unlearnable.report.protect import (
    FolderCheck,
    FolderProblem,
    FoundMetadata,
    ManifestLine,
    PhotoMetadata,
    PreviewReport,
    ProtectPlan,
    ProtectReport,
    SurrogateLoss,
    TriggerFigures,
)
from unlearnable.report.verify import (
    ArmName,
    Cell,
    CrowdArm,
    CrowdCell,
    CrowdRecord,
    CrowdScores,
    Finding,
    FurtherScores,
    GalleryRecord,
    MatrixRow,
    MeanRetrieval,
    Outcome,
    RanksRecord,
    References,
    Role,
    VerifyReport,
    VictimRecord,
    WorstFinding,
)

__all__ = [
    "ArmName",
    "BenchmarkCell",
    "BenchmarkPlan",
    "BenchmarkReport",
    "BothWays",
    "Cell",
    "CrowdArm",
    "CrowdCell",
    "CrowdRecord",
    "CrowdScores",
    "EmbeddingMap",
    "EpochRecord",
    "ExplainReport",
    "Explanation",
    "Finding",
    "FolderCheck",
    "FolderProblem",
    "FoundMetadata",
    "FurtherScores",
    "GalleryRecord",
    "ManifestLine",
    "MapPoint",
    "MatrixRow",
    "MeanRetrieval",
    "Outcome",
    "PaperFigures",
    "PaperRow",
    "PhotoMetadata",
    "PlannedCell",
    "PreviewReport",
    "ProtectPlan",
    "ProtectReport",
    "ProtectionRecord",
    "RanksRecord",
    "References",
    "Retrieval",
    "Role",
    "SkippedRecord",
    "SurrogateLoss",
    "TableRecord",
    "TrainReport",
    "TriggerFigures",
    "VerifyReport",
    "VictimRecord",
    "WordRecord",
    "WorstFinding",
]


def schemas() -> dict[str, object]:
    """Return the JSON Schema of each report, by its name."""
    members = {name: globals()[name] for name in __all__}
    return {
        name: member.model_json_schema(mode="serialization")
        for name, member in members.items()
        if "schema_version" in getattr(member, "model_fields", ())
    }
