"""What a collection of posts is to the rest of the tool: photos, the captions on them, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NO_RECORD = -1
"""The record number of a caption that no caption file holds."""


@dataclass(frozen=True)
class Photo:
    """A picture file. `id` is its POSIX path relative to the data set's root."""

    id: str
    path: Path
    split: str | None = None


@dataclass(frozen=True)
class Pair:
    """One caption of one photo: caption number `index` of record number `record` of the caption file."""

    photo: str
    caption: str
    record: int
    index: int = 0


@dataclass(frozen=True)
class Skipped:
    """Something that was left out: `where` it is, a `reason` in one hyphenated word, and the `detail`."""

    where: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Dataset:
    """Photos and their captions as one reader found them.

    Attributes:
        name: the folder's name.
        root: the folder that photo ids are relative to.
        photos: in sorted order of id, each once.
        pairs: in the order of the caption file.
        skipped: rows without a photo, photos that are missing, and the like.
        format: the registry name of the format that read it, and writes it back.
        source: the caption file, or None where there is none (or one a photo).
        fingerprint: sha256 over ids, captions and file sizes; a resumed run must find the same.
    """

    name: str
    root: Path
    photos: tuple[Photo, ...]
    pairs: tuple[Pair, ...]
    skipped: tuple[Skipped, ...]
    format: str
    source: Path | None
    fingerprint: str

    @property
    def untold(self) -> set[str]:
        """The photos whose captions no caption file holds: theirs are made of a template."""
        return {pair.photo for pair in self.pairs if pair.record == NO_RECORD}


@dataclass(frozen=True)
class Edits:
    """What a writer changes in a caption file; everything else stays byte for byte.

    Attributes:
        captions: (record, index) -> the new caption.
        paths: photo id -> its new POSIX path relative to the output folder. A record whose
            photo is not listed here is left out of the output.
    """

    captions: Mapping[tuple[int, int], str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
