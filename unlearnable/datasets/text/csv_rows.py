"""Rows of delimited text under a heading that names the columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from unlearnable.datasets.text.csv_cells import CsvRow, read_rows, speller
from unlearnable.datasets.text.fields import SPLIT, Keys
from unlearnable.datasets.text.further import with_further
from unlearnable.datasets.text.json_spans import Node
from unlearnable.datasets.text.records import CaptionRecord, Scan, record_of, told_apart
from unlearnable.datasets.text.spans import TextSpan
from unlearnable.datasets.tree import is_photo
from unlearnable.datasets.types import Skipped
from unlearnable.wording.counts import counted

DELIMITERS = "\t,;|"


@dataclass(frozen=True)
class Heading:
    """The first row: the delimiter between its cells, and the column names in them, case-folded."""

    delimiter: str
    names: tuple[str, ...]


def find_heading(text: str, photo: Sequence[str]) -> Heading | None:
    """Return the heading if some delimiter splits the first row into two or more names, one of them in `photo`."""
    first_line_only = text[: 1 << 16]
    for delimiter in DELIMITERS:
        for row in islice(read_rows(first_line_only, delimiter), 1):
            names = tuple(cell.value.casefold() for cell in row.cells)
            if len(names) > 1 and any(name in photo for name in names):
                return Heading(delimiter, names)
    return None


def has_heading(text: str) -> bool:
    """Return whether some delimiter splits two rows, the first into what may be names of columns: a photo's is none."""
    first_rows = ([row.cells for row in islice(read_rows(text[: 1 << 16], mark), 2)] for mark in DELIMITERS)
    return any(
        len(rows) > 1 and min(map(len, rows)) > 1 and not any(is_photo(cell.value) for cell in rows[0])
        for rows in first_rows
    )


def names_one(text: str, names: Collection[str]) -> bool:
    """Return whether some delimiter splits a row into cells, one of them such a name or a path that ends with it."""
    rows = (row for mark in DELIMITERS for row in read_rows(text, mark))
    return any(re.split(r"[/\\]", cell.value)[-1] in names for row in rows if len(row.cells) > 1 for cell in row.cells)


def first_row(text: str) -> str:
    """Return the first line, for messages."""
    return text.strip().partition("\n")[0].strip()[:80]


def text_columns(text: str, heading: Heading) -> set[str]:
    """Return the names of the columns that hold anything but numbers, without the split."""
    body = islice(read_rows(text, heading.delimiter), 1, None)
    return {name for row in body for name, cells in _fields(row, heading).items() if not _is_number(cells[0])} - {SPLIT}


def scan(text: str, heading: Heading, keys: Keys) -> Scan:
    """Take the rows under the heading apart; those of empty cells, which spreadsheets leave behind, are none."""
    rows = islice(read_rows(text, heading.delimiter), 1, None)
    body = [row for row in rows if any(cell.value for cell in row.cells)]
    records, faults = told_apart(_record(row, heading, keys) for row in body)
    return Scan(records, faults, (tuple(row.span for row in body),), speller(heading.delimiter))


def _record(row: CsvRow, heading: Heading, keys: Keys) -> CaptionRecord | Skipped:
    if any(cell.value for cell in row.cells[len(heading.names) :]):
        # A delimiter in a caption without quotes: half a caption would be worse than none.
        detail = f"{counted(len(row.cells), 'cell')} under {counted(len(heading.names), 'heading')}"
        return Skipped(str(row.line), "bad-row", detail)
    fields = _fields(row, heading)
    record = record_of(str(row.line), row.span, fields, keys)
    if not isinstance(record, CaptionRecord):
        return record
    cells = zip(heading.names, row.cells, strict=False)  # also those of a name that stands twice, where the last counts
    return with_further(record, ((name, Node(cell.start, cell.end, cell.value)) for name, cell in cells))


def _fields(row: CsvRow, heading: Heading) -> dict[str, tuple[TextSpan]]:
    return {name: (cell,) for name, cell in zip(heading.names, row.cells, strict=False)}


def _is_number(cell: TextSpan) -> bool:
    try:
        float(cell.value or "0")
    except ValueError:
        return False
    return True
