"""The reader and writer of all formats with one caption file; a format adds how its text is recognised and parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.posts.assembly import assemble
from unlearnable.posts.lookup import Lookup, Miss, is_elsewhere
from unlearnable.posts.records import Entry, Parsed
from unlearnable.posts.text import Document, read_document
from unlearnable.posts.tree import find_photos
from unlearnable.posts.types import Dataset, Edits, Pair, Skipped, changed_since, first_of
from unlearnable.storage import files
from unlearnable.wording import counted

Place = tuple[int, int]
_MEND = "mend the file, or protect the photos without captions: `captions='none'`"


class NamesNoPhotoError(InputError):
    """A caption file names no photo of its folder."""


@dataclass(frozen=True)
class CaptionFile:
    """A format that keeps its captions in one text file.

    Attributes:
        name: name of the registry row.
        suits: `(path, text)` -> whether a file is in this format.
        parse: function that parses the text, or raises ValueError.
        inside: names under which such a file is found in a folder.
    """

    name: str
    suits: Callable[[Path, str], bool]
    parse: Callable[[str], Parsed]
    inside: tuple[str, ...] = ()

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is such a file, or a folder that holds one."""
        path = self._file(source)
        try:
            return path.is_file() and self.suits(path, read_document(path).text)
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root` that `source` names, with their captions.

        Raises:
            InputError: `source` cannot be read, or names no photo below `root`.
        """
        path, found = self._file(source), CaptionsFound()
        document, parsed = self._parsed(path)
        found.add(parsed, Lookup(root, path.parent, find_photos(root)), path.name)
        if not found.splits:
            raise NamesNoPhotoError(
                f"{path} names no photo below {root}{first_of(found.skipped)}",
                hint="give the folder that its paths start from",
            )
        dataset = assemble(root, found.splits, found.pairs, found.skipped, self.name, path)
        notes = [said] if (said := document.note(path.name)) else []
        return replace(dataset, notes=(*notes, *found.notes(path.name)), fields=tuple(sorted(parsed.fields)))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write the caption file to `target`: photo, caption and kept fields of the rows whose photo stays.

        Raises:
            InputError: the caption file has changed since it was read.
            OutputError: `target` cannot be written, or the format cannot hold a caption.
        """
        if dataset.source is None:
            raise InputError(f"{dataset.name} was not read from a caption file")
        document, parsed = self._parsed(dataset.source)
        kept = list(_edited(parsed.records, dataset, edits))
        wanted = {(pair.photo, pair.record, pair.index) for pair in dataset.pairs if pair.photo in edits.paths}
        if {key for key in wanted if key[1] >= 0} - {key for _, keys in kept for key in keys}:
            raise changed_since(dataset.source)
        text = parsed.dump([record for record, _ in kept], edits.keep_fields)
        files.write_bytes(target, document.encode(text, target))

    def _file(self, source: Path) -> Path:
        inside = (source / name for name in self.inside) if source.is_dir() else ()
        return next((path for path in inside if path.is_file()), source)

    def _parsed(self, path: Path) -> tuple[Document, Parsed]:
        document = read_document(path)
        try:
            return document, self.parse(document.text)
        except ValueError as error:
            raise InputError(f"cannot read {path} as {self.name}: {error}", hint=_MEND) from error


def _edited(
    records: Sequence[Entry], dataset: Dataset, edits: Edits
) -> Iterator[tuple[Entry, list[tuple[str, int, int]]]]:
    """Yield the records whose photo stays, with new path and captions put in, and the keys of their captions."""
    source = dataset.source or dataset.root
    lookup = Lookup(dataset.root, source.parent, (photo.id for photo in dataset.photos))
    after = Lookup(dataset.root, dataset.root, edits.paths.values())
    read = {(pair.photo, pair.record, pair.index): pair.caption for pair in dataset.pairs}
    for record, places in numbered(records):
        photo = lookup.find(record.photo.value, record.folder)
        if isinstance(photo, Miss) or photo not in edits.paths:
            continue
        keys = [(photo, *place) for place in places]
        if any(read.get(key) != text.value for key, text in zip(keys, record.captions, strict=True)):
            continue
        new = lookup.renamed(record.photo.value, photo, edits.paths[photo])
        if after.find(new, record.folder) != edits.paths[photo]:  # another copy's path ends alike now
            new = edits.paths[photo]
        record.photo.put(new)
        for text, place in zip(record.captions, places, strict=True):
            text.put(edits.captions.get(place, text.value))
        yield record, keys


def numbered(records: Sequence[Entry], first: int = 0) -> Iterator[tuple[Entry, list[Place]]]:
    """Yield each record with the (record, index) of each of its captions.

    A caption that several records share, as the photos of a carousel do, counts for the first of them.
    """
    places: dict[int, Place] = {}
    for number, record in enumerate(records, start=first):
        yield record, [places.setdefault(id(text), (number, n)) for n, text in enumerate(record.captions)]


@dataclass
class CaptionsFound:
    """What was found in caption files.

    Attributes:
        splits: split of each photo.
        pairs: captions, in order.
        skipped: rows that were left out.
        dates: day of the post of each photo.
        elsewhere: paths of another machine, whose photos were found by their names.
        split_again: photos that a later row puts into another split.
        records: number of records so far.
    """

    splits: dict[str, str | None] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)
    split_again: set[str] = field(default_factory=set)
    records: int = 0

    def notes(self, name: str) -> list[str]:
        """Return what the user should know of how a caption file, called `name`, was read."""
        notes = []
        if self.elsewhere:
            notes.append(
                f"{name} has {counted(len(self.elsewhere), 'path')} of another machine, such as {self.elsewhere[0]}: "
                "the photos were found by their names"
            )
        if self.split_again:
            several = counted(len(self.split_again), "photo")
            notes.append(
                f"{name} puts {several} into several splits, such as {min(self.split_again)}: the first counts"
            )
        return notes

    def add(self, parsed: Parsed, lookup: Lookup, name: str) -> None:
        """Add the records of a caption file, called `name` in messages."""
        self.skipped += [Skipped(f"{name}:{fault.where}", fault.reason, fault.detail) for fault in parsed.faults]
        for record, places in numbered(parsed.records, self.records):
            where, photo = f"{name}:{record.place}", lookup.find(record.photo.value, record.folder)
            if isinstance(photo, Miss):
                self.skipped.append(Skipped(where, photo.reason, photo.detail))
                continue
            if is_elsewhere(record.photo.value) and not lookup.leads_below(record.photo.value):
                self.elsewhere.append(record.photo.value)
            if self.splits.setdefault(photo, record.split) != record.split and record.split is not None:
                self.split_again.add(photo)
            if record.date:
                self.dates.setdefault(photo, record.date)
            captions = zip(record.captions, places, strict=True)
            self.pairs += [Pair(photo, caption.value, *place) for caption, place in captions]
            if not record.captions:
                self.skipped.append(Skipped(where, "no-caption", f"{photo} has no caption there"))
        self.records += len(parsed.records)
