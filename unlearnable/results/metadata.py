"""What `doctor FILE` says of the metadata of a photo."""

from __future__ import annotations

from pydantic import Field

from unlearnable.results.common import Record, SchemaVersion


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
