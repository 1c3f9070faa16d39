"""Rows that are JSON objects, one a line or all in one array, and rows of delimited text under a heading."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Any, NamedTuple

from unlearnable.posts.caption_file import SPLIT, Entry, Keys, Parsed, Text, divided, record_of
from unlearnable.posts.text import is_blank, lines
from unlearnable.posts.types import Skipped
from unlearnable.wording import counted, json_row, storable_within

_SNIFFED = 20  # rows of JSON
_WORDS = ("raw", "text", "caption")  # names of what an object says
_DELIMITERS = "\t,;|"
_MOST = 1 << 30  # letters in a cell
_LOOKED_AT = 1 << 16  # letters of a file in which its heading is looked for


def loads(text: str) -> Any:
    """Return the one JSON value of a text, also behind a script's `name = `.

    Raises:
        ValueError: there is none, or a broken one.
    """
    first = re.search(r"[\[{]", text)
    try:
        return json.loads(text[first.start() if first else 0 :].rstrip().removesuffix(";"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def names_photos(text: str, names: Sequence[str], captions: Sequence[str] = ()) -> bool:
    """Return whether one of the first rows is an object with a string under one of `names`.

    Beside one of `captions` the letters of both may be of any case: a list of ExifTool without captions is none.
    """
    try:
        rows = [row for _, row in islice(_json_rows(text), _SNIFFED) if isinstance(row, dict)]
    except ValueError:
        return False

    def names_photo(row: Mapping[str, Any]) -> bool:
        strings = {name.casefold() for name, value in row.items() if isinstance(value, str)}
        has_caption = not {name.casefold() for name in row}.isdisjoint(captions)
        return any(isinstance(row.get(name), str) for name in names) or (has_caption and not strings.isdisjoint(names))

    return any(map(names_photo, rows))


def texts_in(holder: Any, key: str | int) -> list[Text]:
    """Return the strings of a value of captions: itself, or those of an array or object, at any depth.

    Of an object that is what it holds under `raw`, `text` or `caption`.
    """
    value = holder[key]
    if isinstance(value, str):
        return [] if is_blank(value) else [Text(value, holder, key)]
    keys = range(len(value)) if isinstance(value, list) else _parts(value) if isinstance(value, dict) else ()
    return [text for one in keys for text in texts_in(value, one)]


def _parts(value: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in _WORDS if isinstance(value.get(name), str))[:1]


def _captions_alone(value: Any) -> Any:
    """Return a value of captions without anything beside these."""
    if isinstance(value, list):
        return [_captions_alone(one) for one in value if isinstance(one, str | list | dict)]
    return {name: _captions_alone(value[name]) for name in _parts(value)} if isinstance(value, dict) else value


def parse_json(text: str, keys: Keys) -> Parsed:
    """Parse rows that are JSON objects.

    Raises:
        ValueError: an array is not valid JSON. A broken line is only a fault.
    """
    known = {*keys.photo, *keys.caption, SPLIT}

    def record(place: str, row: Any) -> Entry | Skipped:
        if isinstance(row, ValueError):
            return Skipped(place, "bad-row", f"not valid JSON: {row}")
        if not isinstance(row, dict):
            return Skipped(place, "bad-row", "not a JSON object")
        fields = {name.casefold(): (name, texts_in(row, name)) for name in row if name.casefold() in known}
        return record_of(place, row, fields, keys)

    def published(entry: Entry, keep: Set[str]) -> dict[str, Any]:
        kept = {name: value for name, value in entry.row.items() if name in entry.keys or name.casefold() in keep}
        return {name: value if name.casefold() in keep else _captions_alone(value) for name, value in kept.items()}

    def dump(kept: Sequence[Entry], keep: Set[str]) -> str:
        rows = [json_row(storable_within(published(entry, keep))) for entry in kept]
        return "[\n" + ",\n".join(row.rstrip("\n") for row in rows) + "\n]\n" if is_array else "".join(rows)

    is_array = text.lstrip().startswith("[")
    records, faults = divided(record(place, row) for place, row in _json_rows(text))
    return Parsed(records, faults, dump, frozenset(name for one in records for name in one.row.keys() - one.keys))


def _json_rows(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the place of each row, and its value or, as a ValueError, what is wrong with it."""
    if text.lstrip().startswith("["):
        for number, row in enumerate(loads(text)):
            yield f"[{number}]", row
        return
    for line in lines(text):
        try:
            yield str(line.number), json.loads(line.text)
        except (ValueError, RecursionError) as error:
            yield str(line.number), ValueError(str(error))


class CsvRow(NamedTuple):
    """The number of a row's last line, and its cells."""

    line: int
    cells: list[str]


class Heading(NamedTuple):
    """The first row: the delimiter between its cells, and the column names in them, case-folded."""

    delimiter: str
    names: tuple[str, ...]


def csv_rows(text: str, delimiter: str) -> list[CsvRow]:
    """Return the rows that are not blank. Where a quote is never closed, quotes are ordinary characters."""
    csv.field_size_limit(_MOST)

    def read(**options: Any) -> list[CsvRow]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, **options)
        rows = (CsvRow(reader.line_num, [cell.strip(" ") for cell in cells]) for cells in reader)
        return [row for row in rows if any(row.cells)]

    try:
        return read(strict=True, skipinitialspace=True)
    except csv.Error:
        return read(quoting=csv.QUOTE_NONE)


def find_heading(text: str, photo: Sequence[str]) -> Heading | None:
    """Return the heading if some delimiter splits the first row into two or more names, one of them in `photo`."""
    beginning = text if len(text) <= _LOOKED_AT else text[:_LOOKED_AT].rpartition("\n")[0] or text[:_LOOKED_AT]
    for delimiter in _DELIMITERS:
        for row in csv_rows(beginning, delimiter)[:1]:
            names = tuple(cell.strip().casefold() for cell in row.cells)
            if len(names) > 1 and any(name in photo for name in names):
                return Heading(delimiter, names)
    return None


def parse_csv(text: str, heading: Heading, keys: Keys) -> Parsed:
    """Parse the rows of delimited text under the heading."""
    first, *body = csv_rows(text, heading.delimiter)
    newline = "\r\n" if "\r\n" in text else "\n"
    # A file without rows has these two columns, too.
    least = {heading.names.index(name) for known in keys if (name := _first(known, heading.names))}

    def record(row: CsvRow) -> Entry | Skipped:
        cells = row.cells
        if any(cells[len(heading.names) :]):
            # A delimiter in a caption without quotes: half a caption would be worse than none.
            detail = f"{counted(len(cells), 'cell')} under {counted(len(heading.names), 'heading')}"
            return Skipped(str(row.line), "bad-row", detail)
        fields = {name: (n, (Text(cells[n], cells, n),)) for n, name in enumerate(heading.names) if n < len(cells)}
        return record_of(str(row.line), cells, fields, keys)

    def dump(kept: Sequence[Entry], keep: Set[str]) -> str:
        extra = {number for number, name in enumerate(heading.names) if name in keep}
        columns = sorted(least.union(extra, *(entry.keys for entry in kept)))
        rows = [[first.cells[number] for number in columns]]
        for entry in kept:
            used = extra | entry.keys
            rows.append([entry.row[n] if n in used and n < len(entry.row) else "" for n in columns])
        return "".join(_line(row, heading.delimiter) + newline for row in rows)

    records, faults = divided(map(record, body))
    used = least.union(*(entry.keys for entry in records))
    return Parsed(records, faults, dump, frozenset(first.cells[n] for n in range(len(first.cells)) if n not in used))


def _first(known: Sequence[str], names: Sequence[str]) -> str | None:
    return next((name for name in known if name in names), None)


def _line(cells: Sequence[str], delimiter: str) -> str:
    """Return a row without its newline, with quotes around cells that hold one of any kind."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n")
