"""Caption files of rows: JSON lines, delimited text, Hugging Face's imagefolder, and the lists of Flickr8k and 30k."""

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Sequence, Set
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from unlearnable.posts.readers.caption_file import HEADINGS, CaptionFile, Entry, Keys, Parsed, divided, entry_of
from unlearnable.posts.text import TextLine, is_blank, lines, loads, one_line
from unlearnable.posts.types import Skipped
from unlearnable.wording import counted, json_row, storable, storable_within

_SNIFFED = 1000  # rows of JSON
_WORDS = ("raw", "text", "caption")  # names of what an object says
_DELIMITERS = "\t,;|"
_MOST = 1 << 30  # letters in a cell
_METADATA = ("metadata.jsonl", "metadata.csv")
_FILE_NAME = ("file_name",)
_KAGGLE = Keys(("image",), ("caption",))
_TOKEN = re.compile(r"([^\t\n]+)(#\d+)\t([^\n]*)")


def names_photos(text: str, photo: Collection[str], *others: Collection[str]) -> bool:
    """Return whether one of the first rows is an object with a string under a name in `photo`, and one of each other.

    A list of ExifTool has photos and no captions, for instance.
    """
    try:
        rows = [row for _, row in islice(_json_rows(text), _SNIFFED) if isinstance(row, dict)]
    except ValueError:
        return False
    for row in rows:
        strings = {name.casefold() for name, value in row.items() if isinstance(value, str)}
        names = {name.casefold() for name in row}
        if not strings.isdisjoint(photo) and not any(names.isdisjoint(other) for other in others):
            return True
    return False


def _captions_in(value: Any) -> list[str]:
    """Return the strings of a value of captions: itself, or those of an array or object, at any depth.

    Of an object that is what it holds under `raw`, `text` or `caption`. They are as they are written, with half a
    surrogate pair spelt out.
    """
    if isinstance(value, str):
        return [] if is_blank(value) else [storable(value)]
    if isinstance(value, dict):
        value = list(_said(value).values())
    return [text for one in value for text in _captions_in(one)] if isinstance(value, list) else []


def _with_captions(value: Any, new: Iterator[str]) -> Any:
    """Return a value of captions with new ones in their place, without anything beside these."""
    if isinstance(value, list):
        return [_with_captions(one, new) for one in value if isinstance(one, str | list | dict)]
    if isinstance(value, dict):
        return {name: _with_captions(one, new) for name, one in _said(value).items()}
    return value if not isinstance(value, str) or is_blank(value) else next(new)


def _said(value: dict[str, Any]) -> dict[str, Any]:
    return dict([(name, value[name]) for name in _WORDS if isinstance(value.get(name), str)][:1])


def parse_json(text: str, keys: Keys) -> Parsed:
    """Parse rows that are JSON objects, one a line or all in one array.

    Raises:
        ValueError: an array is not valid JSON. A broken line is only a fault.
    """

    def entry(place: str, row: Any) -> Entry | Skipped:
        if isinstance(row, ValueError):
            return Skipped(place, "bad-row", f"not valid JSON: {row}")
        if not isinstance(row, dict):
            return Skipped(place, "bad-row", "not a JSON object")
        return entry_of(place, row, {name.casefold(): (name, _captions_in(row[name])) for name in row}, keys)

    def published(one: Entry, keep: Set[str]) -> dict[str, Any]:
        photo, captions, _ = one.keys
        row = {name: value for name, value in one.row.items() if name in one.keys or name.casefold() in keep}
        row[photo] = one.photo
        if captions is not None:
            row[captions] = _with_captions(row[captions], iter(one.captions))
        return row

    def dump(kept: Sequence[Entry], keep: Set[str]) -> str:
        rows = [json_row(storable_within(published(one, keep))) for one in kept]
        return "[\n" + ",\n".join(row.rstrip("\n") for row in rows) + "\n]\n" if is_array else "".join(rows)

    is_array = text.lstrip().startswith("[")
    entries, faults = divided(entry(place, row) for place, row in _json_rows(text))
    return Parsed(entries, faults, dump, frozenset(name for one in entries for name in one.row.keys() - {*one.keys}))


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


def _csv_rows(text: str, delimiter: str) -> list[CsvRow]:
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


def _find_heading(text: str, photo: Sequence[str]) -> Heading | None:
    """Return the heading if some delimiter splits the first line into two or more names, one of them in `photo`."""
    first = next(lines(text), None)
    for delimiter in _DELIMITERS if first else "":
        for row in _csv_rows(first.text, delimiter) if first else ():
            names = tuple(cell.strip().casefold() for cell in row.cells)
            if len(names) > 1 and any(name in photo for name in names):
                return Heading(delimiter, names)
    return None


def _parse_csv(text: str, heading: Heading, keys: Keys) -> Parsed:
    """Parse the rows of delimited text under the heading."""
    first, *body = _csv_rows(text, heading.delimiter)
    newline = "\r\n" if "\r\n" in text else "\n"
    # A file without rows has these two columns, too.
    least = {heading.names.index(name) for known in keys for name in [n for n in known if n in heading.names][:1]}

    def entry(row: CsvRow) -> Entry | Skipped:
        cells = row.cells
        if any(cells[len(heading.names) :]):
            # A delimiter in a caption without quotes: half a caption would be worse than none.
            detail = f"{counted(len(cells), 'cell')} under {counted(len(heading.names), 'heading')}"
            return Skipped(str(row.line), "bad-row", detail)
        fields = {name: (n, _captions_in(cells[n])) for n, name in enumerate(heading.names[: len(cells)])}
        return entry_of(str(row.line), cells, fields, keys)

    def dump(kept: Sequence[Entry], keep: Set[str]) -> str:
        extra = {number for number, name in enumerate(heading.names) if name in keep}
        columns = sorted(least.union(extra, *map(_columns, kept)))
        rows = [[first.cells[number] for number in columns]]
        for one in kept:
            cells = {n: one.row[n] for n in extra | _columns(one) if n < len(one.row)}
            cells |= dict(zip(one.keys, (one.photo, *one.captions), strict=False))
            rows.append([cells.get(n, "") for n in columns])
        return "".join(_line(row, heading.delimiter) + newline for row in rows)

    entries, faults = divided(map(entry, body))
    used = least.union(*map(_columns, entries))
    return Parsed(entries, faults, dump, frozenset(first.cells[n] for n in range(len(first.cells)) if n not in used))


def _columns(entry: Entry) -> set[int]:
    return {key for key in entry.keys if key is not None}


def _line(cells: Sequence[str], delimiter: str) -> str:
    """Return a row without its newline, with quotes around cells that hold one of any kind."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n")


def _is_jsonl(path: Path, text: str) -> bool:
    return names_photos(text, *HEADINGS)


def _is_table(path: Path, text: str) -> bool:
    heading = _find_heading(text, HEADINGS.photo)
    return heading is not None and not set(heading.names).isdisjoint(HEADINGS.caption)


def _parse_table(text: str) -> Parsed:
    heading = _find_heading(text, HEADINGS.photo)
    if heading is None or set(heading.names).isdisjoint(HEADINGS.caption):
        raise ValueError("none of its columns is known to hold captions: call one caption")
    return _parse_csv(text, heading, HEADINGS)


def _is_imagefolder(path: Path, text: str) -> bool:
    return path.name in _METADATA and (names_photos(text, _FILE_NAME) or _find_heading(text, _FILE_NAME) is not None)


def _parse_imagefolder(text: str) -> Parsed:
    if not names_photos(text, _FILE_NAME):
        return _parse_table(text)
    if not _is_jsonl(Path(), text):
        raise ValueError("none of its fields is known to hold captions: call one caption")
    return parse_json(text, HEADINGS)


def _kaggle_heading(text: str) -> Heading | None:
    heading = _find_heading(text, _KAGGLE.photo)
    return heading if heading is not None and heading.names == ("image", "caption") else None


def _is_flickr(path: Path, text: str) -> bool:
    first = next(lines(text), None)
    if first is not None and _TOKEN.match(first.text):
        return True
    return path.suffix.lower() == ".txt" and _kaggle_heading(text) is not None


def _parse_flickr(text: str) -> Parsed:
    if heading := _kaggle_heading(text):
        return _parse_csv(text, heading, _KAGGLE)
    return Parsed(*divided(map(_token, lines(text))), _dump_tokens)


def _token(line: TextLine) -> Entry | Skipped:
    match = _TOKEN.match(line.text)
    if match is None:
        return Skipped(str(line.number), "bad-row", "not photo#number, TAB, caption")
    caption = match[3].strip()  # some rows have two TABs
    return Entry(str(line.number), match[1], () if is_blank(caption) else (caption,), match[2])


def _dump_tokens(entries: Sequence[Entry], keep: Set[str]) -> str:
    return "".join(f"{one.photo}{one.row}\t{''.join(map(one_line, one.captions))}\n" for one in entries)


JSONL = CaptionFile("jsonl", _is_jsonl, lambda text: parse_json(text, HEADINGS))
TABLE = CaptionFile("table", _is_table, _parse_table)
IMAGEFOLDER = CaptionFile("imagefolder", _is_imagefolder, _parse_imagefolder, inside=_METADATA)
FLICKR = CaptionFile("flickr", _is_flickr, _parse_flickr)
