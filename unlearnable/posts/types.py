"""A collection of posts as the rest of the tool sees it: photos, their captions, and what was left out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from unlearnable.errors import InputError, OutputError
from unlearnable.storage import checksums

NO_RECORD = -1
"""The record number of a caption that no caption file holds."""

UNWRITTEN = -2
"""The first record number, of which the next are lower, of captions in files that are not published."""


@dataclass(frozen=True)
class Photo:
    """A picture file. `id` is its POSIX path relative to the data set's root."""

    id: str
    path: Path
    split: str | None = None

    def sha256(self) -> str | None:
        """Return the hex SHA-256 of the file; None if it cannot be read, for which its reader will give the reason."""
        try:
            return checksums.sha256(self.path)
        except OSError:
            return None


@dataclass(frozen=True)
class Pair:
    """One caption of one photo: caption number `index` of record number `record` of the caption file.

    Photos of one post have pairs of the same `record` and `index` where its caption stands in the file only once.
    """

    photo: str
    caption: str
    record: int
    index: int = 0


@dataclass(frozen=True)
class Skipped:
    """Something that was left out: `where` it is, the `reason` in one hyphenated word, and the `detail`."""

    where: str
    reason: str
    detail: str

    @property
    def line(self) -> str:
        """All three in one line, for a message."""
        return f"{self.where}: {self.reason} ({self.detail})"


def first_of(skipped: Sequence[Skipped]) -> str:
    """Return the end of a message that nothing could be read: what was left out first, and why."""
    return f"; {skipped[0].where} is skipped as {skipped[0].reason}" if skipped else ""


def changed_since(source: object) -> InputError:
    """Return what to say of captions that are not those any more that were read."""
    return InputError(f"{source} has changed since it was read", hint="start again")


def one_line(caption: str) -> str:
    """Return a caption for a file with one caption a line.

    Raises:
        OutputError: it has a line break.
    """
    if "\n" in caption:
        raise OutputError(
            f"a file with one caption a line cannot hold {caption!r}", hint="take the line break out of the caption"
        )
    return caption


class Person(NamedTuple):
    """Who is on a photo: as the data set calls them, and by the `name` that captions hold, which may be invented."""

    key: str
    name: str


@dataclass(frozen=True)
class Dataset:
    """Photos and their captions as one reader found them.

    Attributes:
        name: name of the folder.
        root: folder that photo ids are relative to.
        photos: photos in sorted order of id, each once.
        pairs: captions in the order of the caption file.
        skipped: rows without a photo, missing photos, and the like.
        format: registry name of the format that read the data set and writes it back.
        source: the caption file; None if there is none, or several.
        fields: names of other fields in the caption file, which are published only if they are kept.
        dates: day of the post of each photo, by its id; only exports tell it.
        people: who is on each photo, by its id; only data sets of faces say so.
        partial: whether only some photos of the folder were chosen.
        others: number of files in the folder that are neither photos nor captions, by suffix, where they were counted.
        notes: remarks for the user on how the captions were read.
    """

    name: str
    root: Path
    photos: tuple[Photo, ...]
    pairs: tuple[Pair, ...]
    skipped: tuple[Skipped, ...]
    format: str
    source: Path | None
    fields: tuple[str, ...] = ()
    dates: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    partial: bool = False
    others: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 over photos, splits and captions; a resumed run must find the same.

        The first use reads every photo: a file's size or time does not show that its content is the same.
        """
        digest = hashlib.sha256()
        for photo in self.photos:
            digest.update(repr((photo.id, photo.split, photo.sha256())).encode())
        for pair in self.pairs:
            digest.update(repr((pair.photo, pair.caption, pair.record, pair.index)).encode())
        return digest.hexdigest()

    @cached_property
    def posts(self) -> dict[str, str]:
        """Hex SHA-256 of each post, by the id of its photo: the file, its split and its captions."""
        pairs = self.pairs_by_photo()
        return {
            photo.id: hashlib.sha256(
                repr((photo.split, photo.sha256(), [(pair.caption, pair.index) for pair in pairs[photo.id]])).encode()
            ).hexdigest()
            for photo in self.photos
        }

    @property
    def captions_file(self) -> str | None:
        """The name of the caption file; None if there is none, or several."""
        return self.source.name if self.source else None

    @property
    def uncaptioned(self) -> set[str]:
        """The photos that no caption file has a caption for: theirs is empty, or made for a data set of faces."""
        return {pair.photo for pair in self.pairs if pair.record == NO_RECORD}

    @property
    def captioned(self) -> int:
        """How many photos have a caption of the user's."""
        return len(self.photos) - len(self.uncaptioned)

    def of(self, photos: Collection[str]) -> Dataset:
        """Return the posts of some of the photos, by id, with all else as it is."""
        return replace(
            self,
            photos=tuple(photo for photo in self.photos if photo.id in photos),
            pairs=tuple(pair for pair in self.pairs if pair.photo in photos),
        )

    def lacking(self, more: Iterable[Skipped]) -> Dataset:
        """Return the data set with more that was left out of it."""
        return replace(self, skipped=(*self.skipped, *more))

    def pairs_by_photo(self) -> dict[str, list[Pair]]:
        """Return the pairs of each photo, in the order of the caption file; those of other photos are left out."""
        by_photo: dict[str, list[Pair]] = {photo.id: [] for photo in self.photos}
        for pair in self.pairs:
            if pair.photo in by_photo:
                by_photo[pair.photo].append(pair)
        return by_photo

    def captions_by_photo(self) -> dict[str, list[str]]:
        """Return the captions of each photo, in the order of the caption file."""
        return {photo: [pair.caption for pair in pairs] for photo, pairs in self.pairs_by_photo().items()}


@dataclass(frozen=True)
class Edits:
    """What a writer writes of a caption file.

    Attributes:
        captions: (record, index) -> new caption.
        paths: photo id -> new POSIX path relative to the output folder. A record whose photo is
            not listed here is left out of the output.
        keep_fields: names, case-folded, of the other fields that stay.
    """

    captions: Mapping[tuple[int, int], str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    keep_fields: frozenset[str] = frozenset()
