"""Photos, captions and data sets of both, as the rest of the program sees them."""

import hashlib
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from unlearnable.storage import files

NO_RECORD = -1  # record number of a caption that no caption file holds
UNWRITTEN = -2  # first record number, counted downwards, of captions in files that are not published
HELD_OUT = ("test", "val", "valid", "validation", "dev")  # splits; the first of them that a data set has is held out


@dataclass(frozen=True)
class Photo:
    """A picture file. `id` is its POSIX path relative to the data set's root."""

    id: str
    path: Path
    split: str | None = None

    def sha256(self) -> str | None:
        """Return the hex SHA-256 of the file; None if it cannot be read."""
        try:
            return files.sha256(self.path)
        except OSError:
            return None


@dataclass(frozen=True)
class Pair:
    """One caption of one photo: caption number `index` of record number `record` of the caption file.

    Photos of one post share the `record` and `index` of its caption.
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


class Person(NamedTuple):
    """Who is on a photo: as the data set calls them, and by the `name` that captions hold, which may be invented."""

    key: str
    name: str


@dataclass(frozen=True)
class Dataset:
    """Photos and their captions as one reader found them."""

    name: str  # of the folder
    root: Path  # photo ids are relative to it
    photos: tuple[Photo, ...]  # sorted by id, each once
    pairs: tuple[Pair, ...]  # in the order of the caption file
    skipped: tuple[Skipped, ...]  # rows without a photo, missing photos, and the like
    format: str  # name in the registry, for writing back
    source: Path | None  # the caption file; None if there is none, or several
    files: tuple[Path, ...] = ()  # all files that captions were looked for in
    exported: bool = False  # whether it is an export, which is never written back
    fields: tuple[str, ...] = ()  # other fields in the caption file, published only if they are kept
    dates: Mapping[str, str] = field(default_factory=dict)  # photo id -> day of its post, in exports
    people: Mapping[str, Person] = field(default_factory=dict)  # photo id -> who is on it, in data sets of faces
    partial: bool = False  # whether only some photos of the folder were chosen
    others: Mapping[str, int] = field(default_factory=dict)  # suffix -> number of files not read
    notes: tuple[str, ...] = ()  # remarks for the user on how the captions were read

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
        """Photo id -> hex SHA-256 of its post: the file, its split and its captions."""
        posts = {}
        by_photo = self.pairs_by_photo()
        for one in self.photos:
            texts = [(pair.caption, pair.index) for pair in by_photo[one.id]]
            posts[one.id] = hashlib.sha256(repr((one.split, one.sha256(), texts)).encode()).hexdigest()
        return posts

    @property
    def captions_file(self) -> str | None:
        """The name of the caption file; None if there is none, or several."""
        return self.source.name if self.source else None

    @property
    def uncaptioned(self) -> set[str]:
        """The photos without a caption of the user's: theirs is empty, or invented in a data set of faces."""
        return {pair.photo for pair in self.pairs if pair.record == NO_RECORD}

    @property
    def captioned(self) -> int:
        """How many photos have a caption of the user's."""
        return len(self.photos) - len(self.uncaptioned)

    def of(self, photos: Collection[str]) -> "Dataset":
        """Return the posts of some of the photos, by id, with all else as it is."""
        return replace(
            self,
            photos=tuple(photo for photo in self.photos if photo.id in photos),
            pairs=tuple(pair for pair in self.pairs if pair.photo in photos),
        )

    def lacking(self, more: Iterable[Skipped]) -> "Dataset":
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


def assemble(
    root: Path,
    splits: Mapping[str, str | None],
    pairs: Sequence[Pair],
    skipped: Iterable[Skipped],
    format: str,
    source: Path | None = None,
) -> Dataset:
    """Return a data set of the photos in `splits` (id -> split); those without a pair get an empty caption."""
    photos = tuple(Photo(photo, root / photo, splits[photo]) for photo in sorted(splits))
    captioned = {pair.photo for pair in pairs}
    uncaptioned = (Pair(photo.id, "", NO_RECORD) for photo in photos if photo.id not in captioned)
    files = (source,) if source else ()
    return Dataset(root.resolve().name, root, photos, (*pairs, *uncaptioned), tuple(skipped), format, source, files)


def restrict(dataset: Dataset, chosen: Iterable[str]) -> Dataset:
    """Return the data set of some photos of its folder, by id, without what was left out of the others."""
    splits: dict[str, str | None] = dict.fromkeys(chosen)
    splits |= {photo.id: photo.split for photo in dataset.photos if photo.id in splits}
    kept = dataset.of(splits)
    whole = assemble(dataset.root, splits, kept.pairs, (), dataset.format)
    people = {photo: who for photo, who in dataset.people.items() if photo in splits}
    return replace(kept, photos=whole.photos, pairs=whole.pairs, skipped=(), people=people, partial=True)


def first_of(skipped: Sequence[Skipped]) -> str:
    """Return the end of a message that nothing could be read: what was left out first, and why."""
    return f"; {skipped[0].where} is skipped as {skipped[0].reason}" if skipped else ""


def split(photos: Sequence[Photo], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Return the numbers of the photos to train on and of those held out.

    If the data names splits, "test" is held out, or else a validation split; photos of other
    splits are not used. If not, a random share of the photos is held out.
    """
    names = {photo.split for photo in photos}
    if chosen := next((name for name in HELD_OUT if name in names), None):
        training = [n for n, photo in enumerate(photos) if photo.split in (None, "train")]
        return training, [n for n, photo in enumerate(photos) if photo.split == chosen]
    order = list(range(len(photos)))
    random.Random(seed).shuffle(order)
    count = round(fraction * len(photos))
    return sorted(order[count:]), sorted(order[:count])


def unused(photos: Sequence[Photo], *chosen: Iterable[int]) -> list[Skipped]:
    """Return the photos that are neither trained on nor held out, each with its split as the reason."""
    used = {number for numbers in chosen for number in numbers}
    return [
        Skipped(photo.id, "other-split", f"the data puts it into the split {photo.split!r}")
        for number, photo in enumerate(photos)
        if number not in used
    ]


@dataclass(frozen=True)
class Edits:
    """What a writer changes: new captions, new paths, and the other fields that stay."""

    captions: Mapping[tuple[int, int], str] = field(default_factory=dict)  # (record, index) -> caption
    paths: Mapping[str, str] = field(default_factory=dict)  # photo id -> path in the output folder; others are left out
    keep_fields: frozenset[str] = frozenset()  # names, case-folded


@runtime_checkable
class Format(Protocol):
    """One way of storing photos and captions on disk; a row of `readers.FORMATS`."""

    @property
    def name(self) -> str:
        """The name of the row."""

    def sniff(self, source: Path) -> bool:
        """Return whether `source`, a caption file or a folder, is in this format. Unreadable sources are not."""

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root` that `source` names, with their captions.

        Raises:
            InputError: `source` cannot be read, or names no photo below `root`.
        """

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write the posts whose photo stays; `target`, and errors, are those of `write_captions`."""
