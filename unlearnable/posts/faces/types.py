"""What a data set of faces is to the rest of the tool, and what a layout says about each photo."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from unlearnable.posts.types import Photo, Skipped


@dataclass(frozen=True)
class Portrait:
    """A photo and the person on it. The photo's split is "train", "test" or whatever else the data set says."""

    photo: Photo
    person: str


@dataclass(frozen=True)
class People:
    """A data set of faces.

    Attributes:
        root: folder that photo ids are relative to.
        portraits: portraits in sorted order of photo id, each photo once.
        skipped: rows and photos that cannot be used.
    """

    root: Path
    portraits: tuple[Portrait, ...]
    skipped: tuple[Skipped, ...]

    @property
    def persons(self) -> tuple[str, ...]:
        """The people, in sorted order."""
        return tuple(sorted({portrait.person for portrait in self.portraits}))


class Label(NamedTuple):
    """Who is on a photo, and the part of the data set that the photo belongs to."""

    person: str
    split: str | None = None


@dataclass(frozen=True)
class Labels:
    """What one layout says.

    Attributes:
        by_photo: photo id -> label.
        skipped: rows and photos that cannot be used.
    """

    by_photo: Mapping[str, Label]
    skipped: tuple[Skipped, ...] = ()


def person_name(text: str) -> str:
    """Return the name that a folder or a list spells: underscores stand for blanks."""
    return " ".join(unicodedata.normalize("NFC", text).replace("_", " ").split())
