"""Caption files of rows: JSON lines, delimited text, Hugging Face's imagefolder, and the lists of Flickr8k and 30k."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from pathlib import Path

from unlearnable.posts.caption_file import HEADINGS, CaptionFile, Entry, Keys, Parsed, Text, divided
from unlearnable.posts.rows import (
    find_heading,
    names_photos,
    parse_csv,
    parse_json,
)
from unlearnable.posts.text import TextLine, is_blank, lines, one_line
from unlearnable.posts.types import Skipped

_METADATA = ("metadata.jsonl", "metadata.csv")
_FILE_NAME = ("file_name",)
_KAGGLE = Keys(("image",), ("caption",))
_TOKEN = re.compile(r"([^\t\n]+)(#\d+)\t([^\n]*)")


def _is_jsonl(path: Path, text: str) -> bool:
    return names_photos(text, HEADINGS.photo, HEADINGS.caption)


def _parse_jsonl(text: str) -> Parsed:
    parsed = parse_json(text, HEADINGS)
    if parsed.records and all(
        {name.casefold() for name in one.row}.isdisjoint(HEADINGS.caption) for one in parsed.records
    ):
        raise ValueError("none of its fields is known to hold captions: call one caption")
    return parsed


def _is_table(path: Path, text: str) -> bool:
    heading = find_heading(text, HEADINGS.photo)
    return heading is not None and not set(heading.names).isdisjoint(HEADINGS.caption)


def _parse_table(text: str) -> Parsed:
    heading = find_heading(text, HEADINGS.photo)
    if heading is None or set(heading.names).isdisjoint(HEADINGS.caption):
        raise ValueError("none of its columns is known to hold captions: call one caption")
    return parse_csv(text, heading, HEADINGS)


def _is_imagefolder(path: Path, text: str) -> bool:
    return path.name in _METADATA and (names_photos(text, _FILE_NAME) or find_heading(text, _FILE_NAME) is not None)


def _parse_imagefolder(text: str) -> Parsed:
    return _parse_jsonl(text) if names_photos(text, _FILE_NAME) else _parse_table(text)


def _is_flickr(path: Path, text: str) -> bool:
    first = next(lines(text), None)
    if first is not None and _TOKEN.match(first.text):
        return True
    heading = find_heading(text, _KAGGLE.photo) if path.suffix.lower() == ".txt" else None
    return heading is not None and heading.names == (*_KAGGLE.photo, *_KAGGLE.caption)


def _parse_flickr(text: str) -> Parsed:
    heading = find_heading(text, _KAGGLE.photo)
    if heading is not None and heading.names == (*_KAGGLE.photo, *_KAGGLE.caption):
        return parse_csv(text, heading, _KAGGLE)
    return Parsed(*divided(map(_token, lines(text))), _dump_tokens)


def _token(line: TextLine) -> Entry | Skipped:
    match = _TOKEN.match(line.text)
    if match is None:
        return Skipped(str(line.number), "bad-row", "not photo#number, TAB, caption")
    row = [match[1], match[2], match[3].strip()]  # some rows have two TABs
    captions = () if is_blank(row[2]) else (Text(row[2], row, 2),)
    return Entry(str(line.number), Text(row[0], row, 0), captions, row)


def _dump_tokens(records: Sequence[Entry], keep: Set[str]) -> str:
    return "".join(f"{photo}{number}\t{one_line(caption)}\n" for photo, number, caption in (one.row for one in records))


JSONL = CaptionFile("jsonl", _is_jsonl, _parse_jsonl)
TABLE = CaptionFile("table", _is_table, _parse_table)
IMAGEFOLDER = CaptionFile("imagefolder", _is_imagefolder, _parse_imagefolder, inside=_METADATA)
FLICKR = CaptionFile("flickr", _is_flickr, _parse_flickr)
