"""What `doctor` says of the metadata of a photo, and of a protected folder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unlearnable.report.common import Record, SchemaVersion


class FoundMetadata(Record):
    """One thing that the metadata of a photo tells of a person."""

    block: str = Field(description="Where it stands: EXIF, XMP, IPTC, or text (a comment or a text chunk).")
    kind: str = Field(
        description="What it is: place, name, description, device number, thumbnail, time, camera, or unreadable (a "
        "damaged block, which may hold anything)."
    )
    name: str = Field(description="Name of the field.")
    value: str = Field(description="Its value in one line, cut after 80 characters.")


class PhotoMetadata(Record):
    """The opt-out that a photo carries, and what its metadata tells of a person."""

    schema_version: SchemaVersion = 1
    file: str = Field(description="The photo.")
    opt_out: str | None = Field(
        description="Value of plus:DataMining in its XMP, such as DMI-PROHIBITED-AIMLTRAINING; null without one."
    )
    found: list[FoundMetadata] = Field(description="What the metadata tells of a person.")


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
