"""The records of a caption file, as places in its text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from unlearnable.datasets.text.fields import SPLIT, Keys
from unlearnable.datasets.text.spans import Span, Spell, TextSpan, is_blank
from unlearnable.datasets.types import Skipped


class FurtherField(NamedTuple):
    """A field beside photo and caption that is not published as it is.

    Attributes:
        name: name of the field.
        span: place of its value, and the value if that is a string.
        caption: number of the caption that it repeats, whose new text it gets; None if it is emptied.
    """

    name: str
    span: TextSpan
    caption: int | None


@dataclass(frozen=True, slots=True)
class CaptionRecord:
    """What a caption file says about one photo in one place.

    Attributes:
        place: position in the file, for messages: a line number, or `images[3]`.
        photo: path that names the photo.
        captions: captions of the photo, none of them blank; may be empty.
        rows: rows that make up the record; they are cut when it is dropped.
        folder: folder that the record gives apart from the path.
        split: part of the data set that the photo belongs to.
        further: other fields that are not published as they are.
        sentences: names of yet other fields that hold some, and are published as they are.
        repeats: further places of captions, by the number of the caption.
        further_paths: values of the other fields that may name the photo too.
    """

    place: str
    photo: TextSpan
    captions: tuple[TextSpan, ...]
    rows: tuple[Span, ...]
    folder: str = ""
    split: str | None = None
    further: tuple[FurtherField, ...] = ()
    sentences: tuple[str, ...] = ()
    repeats: tuple[tuple[int, TextSpan], ...] = ()
    further_paths: tuple[TextSpan, ...] = ()


@dataclass(frozen=True)
class Scan:
    """A caption file, taken apart.

    Attributes:
        records: usable records, in the order of the file.
        faults: unusable rows; their `where` is only the place within the file.
        lists: spans of all rows, usable or not, list by list; the rows of a list are neighbours.
        spell: how another value is spelt in the place of one.
        commas: whether commas separate the rows of a list.
        null: spelling of a value that is emptied.
        personal: fields, in whatever row, that say where a photo was taken or who is in it; they are emptied.
    """

    records: tuple[CaptionRecord, ...]
    faults: tuple[Skipped, ...]
    lists: tuple[tuple[Span, ...], ...]
    spell: Spell
    commas: bool = False
    null: str = ""
    personal: tuple[FurtherField, ...] = ()

    def personal_of_records(self) -> Iterator[tuple[int, str]]:
        """Yield the number of the record of each personal field, by the smallest row around it, and its name."""
        rows = sorted((row.start, -row.end, number) for number, one in enumerate(self.records) for row in one.rows)
        starts = [start for start, _, _ in rows]
        for field in self.personal:
            around: tuple[int, int] | None = None
            for start, end, number in reversed(rows[: bisect_right(starts, field.span.start)]):
                if around and (start, end) != around:
                    break
                if field.span.end <= -end:
                    around = (start, end)
                    yield number, field.name

    def cuts(self, kept_rows: Set[Span]) -> Iterator[Span]:
        """Yield the parts of the text to cut so that only `kept_rows` remain; a cut within another is left out."""
        end = 0
        for cut in sorted(self._all_cuts(kept_rows)):
            if cut.end > end:
                yield cut
                end = cut.end

    def _all_cuts(self, kept_rows: Set[Span]) -> Iterator[Span]:
        for rows in self.lists:
            if self.commas:
                yield from _array_cuts(rows, kept_rows)
            else:
                yield from (row for row in rows if row not in kept_rows)


def told_apart(rows: Iterable[CaptionRecord | Skipped]) -> tuple[tuple[CaptionRecord, ...], tuple[Skipped, ...]]:
    """Return the records among rows, and what says of the others why they are none."""
    found = list(rows)
    records = tuple(one for one in found if isinstance(one, CaptionRecord))
    return records, tuple(one for one in found if isinstance(one, Skipped))


def record_of(place: str, row: Span, fields: Mapping[str, Sequence[TextSpan]], keys: Keys) -> CaptionRecord | Skipped:
    """Return the record made of the strings of a row, or why there is none. Blank strings count as absent."""
    folder = _folder(fields)
    photo = fields["filename"] if folder else _first(fields, keys.photo)
    if len(photo) != 1:
        return Skipped(place, "no-photo", "several photos in one row" if photo else f"none of {', '.join(keys.photo)}")
    split = _first(fields, (SPLIT,))
    captions = _first(fields, keys.caption)
    paths = tuple(span for name in keys.photo for span in fields.get(name, ()) if span.value and span != photo[0])
    named = split[0].value.strip().lower() if split else None
    return CaptionRecord(place, photo[0], captions, (row,), folder=folder, split=named, further_paths=paths)


def _folder(fields: Mapping[str, Sequence[TextSpan]]) -> str:
    """The `filepath` of a row, where it is no file but the folder of its `filename`, as in Karpathy's COCO."""
    for path in fields.get("filepath", ()) if fields.get("filename") else ():
        if not PurePosixPath(path.value).suffix:
            return path.value
    return ""


def _first(fields: Mapping[str, Sequence[TextSpan]], names: tuple[str, ...]) -> tuple[TextSpan, ...]:
    """The strings of the first field that is not blank."""
    for name in names:
        if filled := tuple(span for span in fields.get(name, ()) if not is_blank(span.value)):
            return filled
    return ()


def _array_cuts(items: Sequence[Span], kept_rows: Set[Span]) -> Iterator[Span]:
    """Cut each item with the comma after it, and the items after the last one kept with the commas before them."""
    last = max((number for number, item in enumerate(items) if item in kept_rows), default=-1)
    for number in range(last):
        if items[number] not in kept_rows:
            yield Span(items[number].start, items[number + 1].start)
    if last + 1 < len(items):
        yield Span(items[last].end if last >= 0 else items[0].start, items[-1].end)
