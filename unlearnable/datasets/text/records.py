"""The records of a caption file as places in its text, so that writing touches nothing but those places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from unlearnable.datasets.types import Skipped
from unlearnable.errors import OutputError


class Span(NamedTuple):
    """The characters `[start, end)` of a text."""

    start: int
    end: int


class Slot(NamedTuple):
    """A string in a text: `[start, end)` as it is spelt there, quotes included, and the `value` that means."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Record:
    """What a caption file says of one photo in one place.

    Attributes:
        place: where it is in the file, for messages: a line number, or `images[3]`.
        photo: the path that names the photo.
        captions: its captions, none of them blank; empty where there are none.
        rows: the rows that make it up, and go when it goes.
        folder: a folder that the record gives apart from the path.
        split: the part of the data set it belongs to.
    """

    place: str
    photo: Slot
    captions: tuple[Slot, ...]
    rows: tuple[Span, ...]
    folder: str = ""
    split: str | None = None


@dataclass(frozen=True)
class Scan:
    """A caption file taken apart.

    Attributes:
        records: what can be used.
        faults: what cannot; `where` is only the place within the file.
        lists: every row of the file, usable or not; each list's rows are neighbours.
        spell: `(raw, value, new)` -> how `new` is written where `raw`, meaning `value`, stood.
        commas: whether the rows of a list are set apart by commas.
    """

    records: tuple[Record, ...]
    faults: tuple[Skipped, ...]
    lists: tuple[tuple[Span, ...], ...]
    spell: Callable[[str, str, str], str]
    commas: bool = False

    def cuts(self, kept: Set[Span]) -> Iterator[Span]:
        """What must go from the text for only the rows `kept` to stay."""
        for rows in self.lists:
            if self.commas:
                yield from _array_cuts(rows, kept)
            else:
                yield from (row for row in rows if row not in kept)


def _array_cuts(items: Sequence[Span], kept: Set[Span]) -> Iterator[Span]:
    """An item goes with the comma after it, the items after the last one kept with the commas before them."""
    last = max((number for number, item in enumerate(items) if item in kept), default=-1)
    for number in range(last):
        if items[number] not in kept:
            yield Span(items[number].start, items[number + 1].start)
    if last + 1 < len(items):
        yield Span(items[last].end if last >= 0 else items[0].start, items[-1].end)


def splice(text: str, changes: Iterable[Slot]) -> str:
    """`text` with each change's value in its place. The places do not overlap."""
    parts: list[str] = []
    at = 0
    for change in sorted(changes):
        parts += text[at : change.start], change.value
        at = change.end
    return "".join([*parts, text[at:]])


def stripped(text: str, start: int, end: int) -> Slot:
    """The characters `[start, end)` of a text, less the blanks around them."""
    raw = text[start:end]
    start += len(raw) - len(raw.lstrip())
    value = raw.strip()
    return Slot(start, start + len(value), value)


def spell_line(raw: str, value: str, new: str) -> str:
    """Spell a string that has no quotes around it and ends with its line.

    Raises:
        OutputError: it has a line break.
    """
    if "\n" in new:
        raise OutputError(
            f"a file with one caption a line cannot hold {new!r}", hint="take the line break out of the caption"
        )
    return new
