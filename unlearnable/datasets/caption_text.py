"""One caption file between reading and writing: which photos its records mean, and its bytes with new captions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from unlearnable.datasets.lookup import Lookup, Miss, is_elsewhere
from unlearnable.datasets.text.document import Document, read_document
from unlearnable.datasets.text.further import NULL, further_changes, said_of_sentences
from unlearnable.datasets.text.records import CaptionRecord, Scan
from unlearnable.datasets.text.spans import Span, TextSpan, splice
from unlearnable.datasets.types import ChangedField, Dataset, Edits, Pair, Skipped, changed_since
from unlearnable.errors import InputError
from unlearnable.grouping import grouped
from unlearnable.wording.counts import counted

Place = tuple[int, int]
Key = tuple[str, int, int]


class Revision:
    """The edits of a data set, with what all its caption files need to find the places of these.

    Args:
        dataset: data set as it was read.
        edits: new captions and paths.
        moved: whether a new file lies at the top of the output folder, wherever the old one lay.
    """

    def __init__(self, dataset: Dataset, edits: Edits, *, moved: bool) -> None:
        self.root, self.edits, self.moved = dataset.root, edits, moved
        self.before = Lookup(dataset.root, dataset.root, (photo.id for photo in dataset.photos))
        self.after = Lookup(dataset.root, dataset.root, edits.paths.values())
        self.read = {(pair.photo, pair.record, pair.index): pair.caption for pair in dataset.pairs}
        self.pairs = grouped((pair.record, pair) for pair in dataset.pairs)


@dataclass(frozen=True)
class CaptionText:
    """A caption file, taken apart.

    Attributes:
        path: the file.
        document: its text.
        scan: the places of its records.
        first: number of its first record, counted over all caption files of a data set.
    """

    path: Path
    document: Document
    scan: Scan
    first: int = 0

    def numbered(self) -> Iterator[tuple[CaptionRecord, list[Place]]]:
        """Yield each record with the (record, index) of each of its captions.

        A caption that several records have in common, as the photos of a carousel do, counts for the first of them.
        """
        places: dict[TextSpan, Place] = {}
        for number, record in enumerate(self.scan.records, start=self.first):
            yield record, [places.setdefault(text, (number, n)) for n, text in enumerate(record.captions)]

    def edited(self, revision: Revision) -> str:
        """Return the text of the file with the places that the edits name changed and the rest as it was.

        Raises:
            InputError: the file has changed since it was read.
            OutputError: the format cannot hold a caption.
        """
        edits, moved = revision.edits, revision.moved
        lookup = revision.before.beside(self.path.parent)
        after = revision.after.beside(revision.root if moved else self.path.parent)
        kept: set[Key] = set()
        changes: dict[TextSpan, str] = {}
        further: list[TextSpan] = []
        kept_rows: set[Span] = set()
        for record, places in self.numbered():
            photo = lookup.find(record.photo.value, record.folder)
            if isinstance(photo, Miss) or photo not in edits.paths:
                continue
            captions = {(photo, *at): old.value for at, old in zip(places, record.captions, strict=True)}
            if any(revision.read.get(key) != caption for key, caption in captions.items()):
                continue
            kept.update(captions)
            kept_rows.update(record.rows)
            for path in (record.photo, *record.further_paths):
                if lookup.find(path.value, record.folder) != photo:
                    continue
                new = lookup.renamed(path.value, photo, edits.paths[photo], moved=moved)
                if after.find(new, record.folder) != edits.paths[photo]:  # another copy's path ends alike now
                    new = edits.paths[photo]
                changes[path] = self._spelt(path, new)
            new_captions = [edits.captions.get(at, old.value) for old, at in zip(record.captions, places, strict=True)]
            for number, caption in (*enumerate(record.captions), *record.repeats):
                changes[caption] = self._spelt(caption, new_captions[number])
            further += further_changes(self.document.text, self.scan, record, new_captions, edits.keep_fields)
        numbers = range(self.first, self.first + len(self.scan.records))
        refuse_lost(self.path, (pair for number in numbers for pair in revision.pairs.get(number, ())), edits, kept)
        spans = [span._replace(value=new) for span, new in changes.items()]
        taken = {span.place for span in spans}
        spans += [span for span in further if span.place not in taken]
        cuts = [TextSpan(cut.start, cut.end, "") for cut in self.scan.cuts(kept_rows)]
        spans += [*cuts, *self._personal(edits, cuts)]
        return splice(self.document.text, spans)

    def _personal(self, edits: Edits, cuts: Sequence[TextSpan]) -> Iterator[TextSpan]:
        """Yield the places and people to empty, but for those that are cut out or kept."""
        starts = [cut.start for cut in cuts]
        for name, span, _ in self.scan.personal:
            before = bisect_right(starts, span.start)
            is_cut = before > 0 and span.end <= cuts[before - 1].end
            if not is_cut and name.casefold() not in edits.keep_fields:
                yield span._replace(value=NULL)

    def _spelt(self, old: TextSpan, new: str) -> str:
        raw = self.document.text[old.start : old.end]
        return raw if new == old.value and not old.is_cut else (old.spell or self.scan.spell)(raw, old.value, new)


def refuse_lost(source: Path, pairs: Iterable[Pair], edits: Edits, kept: Set[Key]) -> None:
    """Stop where a caption that was read is written no more, although its photo stays.

    Args:
        source: caption file.
        pairs: captions that were read from it.
        edits: new paths of the photos that stay.
        kept: photo, record and index of each caption that is written.

    Raises:
        InputError: the caption or the photo of its row is another now, or the row is gone.
    """
    if any(pair.photo in edits.paths and (pair.photo, pair.record, pair.index) not in kept for pair in pairs):
        raise changed_since(source)


def refuse_shorter(dataset: Dataset, source: Path, records: int) -> None:
    """Stop where fewer records are there than were read.

    Args:
        dataset: data set as it was read.
        source: caption file, or the folder of them.
        records: number of records that it holds now.

    Raises:
        InputError: captions that were read are gone.
    """
    if any(pair.record >= records for pair in dataset.pairs):
        raise changed_since(source)


@dataclass
class CaptionsFound:
    """What was found in caption files.

    Attributes:
        splits: split of each photo.
        pairs: captions, in order.
        skipped: rows that were left out.
        changed: fields that are not published as they are.
        elsewhere: paths of another machine, whose photos were found by their names.
        sentences: names of fields that hold some and are published as they are.
        split_again: photos that a later row puts into another split.
    """

    splits: dict[str, str | None] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    changed: set[ChangedField] = field(default_factory=set)
    elsewhere: list[str] = field(default_factory=list)
    sentences: set[str] = field(default_factory=set)
    split_again: set[str] = field(default_factory=set)

    def notes(self, text: CaptionText, name: str) -> tuple[str, ...]:
        """Return what the user should know of how a caption file, called `name`, was read."""
        notes = [said] if (said := text.document.said(name)) else []
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
        return (*notes, *said_of_sentences(name, self.sentences))

    def add(self, text: CaptionText, lookup: Lookup, name: str) -> None:
        """Add the records of a caption file, called `name` in messages."""
        self.skipped += [Skipped(f"{name}:{fault.where}", fault.reason, fault.detail) for fault in text.scan.faults]
        personal = grouped(text.scan.personal_of_records())
        for number, (record, ats) in enumerate(text.numbered(), start=text.first):
            where, photo = f"{name}:{record.place}", lookup.find(record.photo.value, record.folder)
            if isinstance(photo, Miss):
                self.skipped.append(Skipped(where, photo.reason, photo.detail))
                continue
            if is_elsewhere(record.photo.value) and not lookup.leads_below(record.photo.value):
                self.elsewhere.append(record.photo.value)
            if self.splits.setdefault(photo, record.split) != record.split and record.split is not None:
                self.split_again.add(photo)
            self.sentences.update(record.sentences)
            self.changed |= {ChangedField(photo, number, name, True) for name in personal.get(number - text.first, ())}
            captions = zip(record.captions, ats, strict=True)
            self.pairs += [Pair(photo, caption.value, *place) for caption, place in captions]
            self.changed |= {ChangedField(photo, number, one.name, one.caption is None) for one in record.further}
            if not record.captions:
                self.skipped.append(Skipped(where, "no-caption", f"{photo} has no caption there"))


def read_text(path: Path, name: str, scan: Callable[[str], Scan], first: int = 0) -> CaptionText:
    """Read a caption file and take it apart.

    Args:
        path: file to read.
        name: format of the file, for messages.
        scan: function that takes the text apart, or raises ValueError.
        first: number of the first record.

    Raises:
        InputError: the file cannot be read, or is in another format.
    """
    document = read_document(path)
    try:
        return CaptionText(path, document, scan(document.text), first)
    except ValueError as error:
        hint = "mend the file, or protect the photos without captions: --captions none"
        raise InputError(f"cannot read {path} as {name}: {error}", hint=hint) from error
