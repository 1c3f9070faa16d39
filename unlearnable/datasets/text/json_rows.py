"""Rows that are JSON objects, one per line or all in one array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from unlearnable.datasets.text.document import lines
from unlearnable.datasets.text.fields import POSTS, SPLIT, Keys
from unlearnable.datasets.text.further import NULL, json_fields, with_further
from unlearnable.datasets.text.json_spans import Node, caption_strings, decode, items, members, speller, strings
from unlearnable.datasets.text.records import CaptionRecord, Scan, record_of, told_apart
from unlearnable.datasets.text.spans import Span, TextSpan
from unlearnable.datasets.types import Skipped

_SNIFFED = 20  # rows


def names_photos(text: str, names: tuple[str, ...], captions: tuple[str, ...] = ()) -> bool:
    """Return whether one of the first rows is an object with a string under one of `names`.

    Beside one of `captions` the letters of both may be of any case: a list of ExifTool without captions is none.
    """
    try:
        first = [node.value for _, _, node in islice(_rows(text), _SNIFFED) if isinstance(node, Node)]
    except ValueError:
        return False
    return any(isinstance(row, dict) and _names_photo(row, names, captions) for row in first)


def _names_photo(row: Mapping[str, Any], names: tuple[str, ...], captions: tuple[str, ...]) -> bool:
    strings_under = {name.casefold() for name, value in row.items() if isinstance(value, str)}
    has_caption = not {name.casefold() for name in row}.isdisjoint(captions)
    return any(isinstance(row.get(name), str) for name in names) or (
        has_caption and not strings_under.isdisjoint(names)
    )


def text_columns(text: str) -> set[str]:
    """Return the names under which any row holds a string or strings, without the split."""
    objects = [node for _, _, node in _rows(text) if isinstance(node, Node) and isinstance(node.value, dict)]
    named = ((name.casefold(), node) for row in objects for name, node in members(text, row.start))
    return {name for name, node in named if _read(name, POSTS)(text, node)} - {SPLIT}


def scan(text: str, keys: Keys) -> Scan:
    """Take the rows apart.

    Raises:
        ValueError: an array is not valid JSON. A broken line is only a fault.
    """
    found = [(span, _record(text, place, span, node, keys)) for place, span, node in _rows(text)]
    records, faults = told_apart(row for _, row in found)
    spans = tuple(span for span, _ in found)
    return Scan(records, faults, (spans,), speller(text), commas=_is_array(text), null=NULL)


def _record(text: str, place: str, span: Span, node: Node | str, keys: Keys) -> CaptionRecord | Skipped:
    if isinstance(node, str):
        return Skipped(place, "bad-row", f"not valid JSON: {node}")
    if not isinstance(node.value, dict):
        return Skipped(place, "bad-row", "not a JSON object")
    wanted = keys.all
    named = ((name.casefold(), value) for name, value in members(text, node.start))
    fields = {name: _read(name, keys)(text, value) for name, value in named if name in wanted}
    record = record_of(place, span, fields, keys)
    if not isinstance(record, CaptionRecord):
        return record
    return with_further(record, json_fields(text, node, record.captions))


def _read(name: str, keys: Keys) -> Callable[[str, Node], list[TextSpan]]:
    """Return what reads the strings of a field: captions may lie deeper than a photo or a split."""
    return caption_strings if name in keys.caption else strings


def _is_array(text: str) -> bool:
    return text.lstrip().startswith("[")


def _rows(text: str) -> Iterator[tuple[str, Span, Node | str]]:
    """Yield the place of each row, the span to cut if it is dropped, and its value or what is wrong with it."""
    if _is_array(text):
        for number, item in enumerate(items(text, decode(text).start)):
            yield f"[{number}]", item.span, item
        return
    for line in lines(text):
        node: Node | str
        try:
            node = decode(text, line.start, line.end)
        except ValueError as error:
            node = str(error)
        yield str(line.number), Span(line.start, line.stop), node
