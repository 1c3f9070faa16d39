"""What `doctor --check` says of a protected folder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unlearnable.results.common import Record, SchemaVersion

ProblemKind = Literal["missing", "changed", "extra", "private", "no-noise", "no-trigger", "unreadable", "unfinished"]


class FolderProblem(Record):
    """Something in a protected folder that is not as it should be."""

    where: str = Field(description="Path of the file, from the folder; '.' for the folder itself.")
    kind: ProblemKind = Field(
        description="What it is: missing, changed since it was written, extra (not made by the run), private (metadata "
        "that tells of a person, or a private folder inside), no-noise, no-trigger, unreadable, unfinished."
    )
    detail: str = Field(description="The fault in a few words.")


class FolderCheck(Record):
    """A protected folder against the records in its private folder."""

    schema_version: SchemaVersion = 1
    folder: str = Field(description="The protected folder.")
    files: int = Field(description="Files that the run published.")
    photos: int = Field(description="Photos in them.")
    compared: int = Field(description="Copies whose pixels were compared with an original that is still there.")
    problems: list[FolderProblem] = Field(description="All that is not as it should be; empty if nothing is.")
