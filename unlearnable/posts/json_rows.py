"""Rows that are JSON objects, one per line or all in one array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Any

from unlearnable.posts.fields import SPLIT, Keys
from unlearnable.posts.records import Entry, Parsed, Text, record_of, told_apart
from unlearnable.posts.text import is_blank, lines
from unlearnable.posts.types import Skipped
from unlearnable.wording import json_row, storable_within

_SNIFFED = 20  # rows
_WORDS = ("raw", "text", "caption")  # names of what an object says
_LANGUAGE = re.compile("[A-Za-z]{2,3}([-_][A-Za-z]{2,4})*")  # "de", "pt-BR"


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
        rows = [row for _, row in islice(_rows(text), _SNIFFED) if isinstance(row, dict)]
    except ValueError:
        return False
    return any(_names_photo(row, names, captions) for row in rows)


def _names_photo(row: Mapping[str, Any], names: Sequence[str], captions: Sequence[str]) -> bool:
    strings = {name.casefold() for name, value in row.items() if isinstance(value, str)}
    has_caption = not {name.casefold() for name in row}.isdisjoint(captions)
    return any(isinstance(row.get(name), str) for name in names) or (has_caption and not strings.isdisjoint(names))


def text_fields(text: str) -> set[str]:
    """Return the names, case-folded, under which any row holds a string or strings, without the split."""
    rows = [row for _, row in _rows(text) if isinstance(row, dict)]
    return {name.casefold() for row in rows for name in row if texts_in(row, name)} - {SPLIT}


def texts_in(holder: Any, key: str | int) -> list[Text]:
    """Return the strings of a value of captions: itself, or those of an array or object, at any depth.

    Of an object that is what it holds under `raw`, `text` or `caption`, or everything where its names are languages.
    """
    value = holder[key]
    if isinstance(value, str):
        return [] if is_blank(value) else [Text(value, holder, key)]
    keys = range(len(value)) if isinstance(value, list) else _parts(value) if isinstance(value, dict) else ()
    return [text for one in keys for text in texts_in(value, one)]


def _parts(value: Mapping[str, Any]) -> tuple[str, ...]:
    own = tuple(name for name in _WORDS if isinstance(value.get(name), str))[:1]
    return own or (tuple(value) if all(map(_LANGUAGE.fullmatch, value)) else ())


def _published(value: Any) -> Any:
    """Return a value of captions with nothing but these."""
    if isinstance(value, list):
        return [_published(one) for one in value if isinstance(one, str | list | dict)]
    return {name: _published(value[name]) for name in _parts(value)} if isinstance(value, dict) else value


def parse(text: str, keys: Keys) -> Parsed:
    """Parse the rows.

    Raises:
        ValueError: an array is not valid JSON. A broken line is only a fault.
    """
    records, faults = told_apart(_record(place, row, keys) for place, row in _rows(text))
    is_array = text.lstrip().startswith("[")

    def dump(kept: Sequence[Entry], keep: Set[str]) -> str:
        rows = [json_row(storable_within(_row(record, keep))) for record in kept]
        return "[\n" + ",\n".join(row.rstrip("\n") for row in rows) + "\n]\n" if is_array else "".join(rows)

    return Parsed(records, faults, dump, frozenset(name for one in records for name in one.row.keys() - one.keys))


def _record(place: str, row: Any, keys: Keys) -> Entry | Skipped:
    if isinstance(row, ValueError):
        return Skipped(place, "bad-row", f"not valid JSON: {row}")
    if not isinstance(row, dict):
        return Skipped(place, "bad-row", "not a JSON object")
    wanted = keys.all
    fields = {name.casefold(): (name, texts_in(row, name)) for name in row if name.casefold() in wanted}
    return record_of(place, row, fields, keys)


def _row(record: Entry, keep: Set[str]) -> dict[str, Any]:
    """Return the published row: what was used of it, and what is kept."""
    kept = {name: value for name, value in record.row.items() if name in record.keys or name.casefold() in keep}
    return {name: value if name.casefold() in keep else _published(value) for name, value in kept.items()}


def _rows(text: str) -> Iterator[tuple[str, Any]]:
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
