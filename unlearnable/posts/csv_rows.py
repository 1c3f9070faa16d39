"""Rows of delimited text under a heading that names the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Sequence, Set
from typing import NamedTuple

from unlearnable.posts.fields import SPLIT, Keys
from unlearnable.posts.records import Entry, Parsed, Text, record_of, told_apart
from unlearnable.posts.tree import is_photo
from unlearnable.posts.types import Skipped
from unlearnable.wording import counted

DELIMITERS = "\t,;|"
_EXCEL = re.compile(r'"?sep=[^\r\n]"?(?:\r\n|\r|\n)', re.IGNORECASE)  # says what stands between cells, before all rows
_MOST = 1 << 30  # letters in a cell
_LOOKED_AT = 1 << 16  # letters of a file in which its heading is looked for


class CsvRow(NamedTuple):
    """The number of a row's last line, and its cells."""

    line: int
    cells: list[str]


class Heading(NamedTuple):
    """The first row: the delimiter between its cells, and the column names in them, case-folded."""

    delimiter: str
    names: tuple[str, ...]


def read_rows(text: str, delimiter: str) -> list[CsvRow]:
    """Return the rows of a text that are not blank.

    Blanks around a cell are not part of it. Where a quote is never closed, quotes are ordinary characters.
    """
    told = _EXCEL.match(text)
    start, above = (told.end(), 1) if told else (0, 0)
    csv.field_size_limit(_MOST)
    source = text[start:]
    try:
        reader = csv.reader(io.StringIO(source, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
        rows = [CsvRow(reader.line_num + above, [cell.strip(" ") for cell in cells]) for cells in reader]
    except csv.Error:
        reader = csv.reader(io.StringIO(source, newline=""), delimiter=delimiter, quoting=csv.QUOTE_NONE)
        rows = [CsvRow(reader.line_num + above, [cell.strip(" ") for cell in cells]) for cells in reader]
    return [row for row in rows if any(row.cells)]


def find_heading(text: str, photo: Sequence[str]) -> Heading | None:
    """Return the heading if some delimiter splits the first row into two or more names, one of them in `photo`."""
    for delimiter in DELIMITERS:
        for row in read_rows(_beginning(text), delimiter)[:1]:
            names = tuple(cell.strip().casefold() for cell in row.cells)
            if len(names) > 1 and any(name in photo for name in names):
                return Heading(delimiter, names)
    return None


def has_heading(text: str) -> bool:
    """Return whether some delimiter splits two rows, the first into what may be names of columns: a photo's is none."""
    first_rows = ([row.cells for row in read_rows(_beginning(text), mark)[:2]] for mark in DELIMITERS)
    return any(
        len(rows) > 1 and min(map(len, rows)) > 1 and not any(is_photo(cell) for cell in rows[0]) for rows in first_rows
    )


def names_one(text: str, names: Collection[str]) -> bool:
    """Return whether some delimiter splits a row into cells, one of them such a name or a path that ends with it."""
    rows = (row.cells for mark in DELIMITERS for row in read_rows(text, mark))
    return any(re.split(r"[/\\]", cell)[-1] in names for cells in rows if len(cells) > 1 for cell in cells)


def first_row(text: str) -> str:
    """Return the first line, for messages."""
    return text.strip().partition("\n")[0].strip()[:80]


def text_fields(text: str, heading: Heading) -> set[str]:
    """Return the names of the columns that hold anything but numbers, without the split."""
    rows = read_rows(text, heading.delimiter)[1:]
    cells = (pair for row in rows for pair in zip(heading.names, row.cells, strict=False))
    return {name for name, cell in cells if not _is_number(cell)} - {SPLIT}


def parse(text: str, heading: Heading, keys: Keys) -> Parsed:
    """Parse the rows under the heading."""
    first, *body = read_rows(text, heading.delimiter)
    records, faults = told_apart(_record(row, heading, keys) for row in body)
    told = _EXCEL.match(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    least = {_first(heading.names, keys.photo), _first(heading.names, keys.caption)} - {-1}

    def dump(kept: Sequence[Entry], keep: Set[str]) -> str:
        extra = {number for number, name in enumerate(heading.names) if name in keep}
        columns = sorted(least | extra | {number for record in kept for number in record.keys})
        rows = [[first.cells[number] for number in columns]]
        for record in kept:
            used = extra | record.keys
            rows.append([record.row[n] if n in used and n < len(record.row) else "" for n in columns])
        return (told[0] if told else "") + "".join(_line(row, heading.delimiter) + newline for row in rows)

    used = {number for record in records for number in record.keys} | least
    return Parsed(records, faults, dump, frozenset(first.cells[n] for n in range(len(first.cells)) if n not in used))


def _record(row: CsvRow, heading: Heading, keys: Keys) -> Entry | Skipped:
    if any(row.cells[len(heading.names) :]):
        # A delimiter in a caption without quotes: half a caption would be worse than none.
        detail = f"{counted(len(row.cells), 'cell')} under {counted(len(heading.names), 'heading')}"
        return Skipped(str(row.line), "bad-row", detail)
    cells = row.cells
    fields = {name: (n, (Text(cells[n], cells, n),)) for n, name in enumerate(heading.names) if n < len(cells)}
    return record_of(str(row.line), cells, fields, keys)


def _beginning(text: str) -> str:
    """Return the first rows of a text, whole lines."""
    return text if len(text) <= _LOOKED_AT else text[:_LOOKED_AT].rpartition("\n")[0] or text[:_LOOKED_AT]


def _line(cells: Sequence[str], delimiter: str) -> str:
    """Return a row without its newline, with quotes around cells that hold one of any kind."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n")


def _first(names: Sequence[str], wanted: Sequence[str]) -> int:
    return next((names.index(name) for name in wanted if name in names), -1)


def _is_number(cell: str) -> bool:
    try:
        float(cell or "0")
    except ValueError:
        return False
    return True
