"""Flickr8k and Flickr30k: the token file's `img.jpg#0<TAB>caption`, or Kaggle's `captions.txt`, which is CSV."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from pathlib import Path

from unlearnable.posts import csv_rows
from unlearnable.posts.caption_file import CaptionFile
from unlearnable.posts.fields import Keys
from unlearnable.posts.records import Entry, Parsed, Text, told_apart
from unlearnable.posts.text import TextLine, is_blank, lines
from unlearnable.posts.types import Skipped, one_line

_KAGGLE = Keys(("image",), ("caption",))
_TOKEN = re.compile(r"([^\t\n]+)(#\d+)\t([^\n]*)")


def _suits(path: Path, text: str) -> bool:
    first = next(lines(text), None)
    return first is not None and (
        bool(_TOKEN.match(first.text)) or (path.suffix.lower() == ".txt" and _is_kaggle(text))
    )


def _is_kaggle(text: str) -> bool:
    heading = csv_rows.find_heading(text, _KAGGLE.photo)
    return heading is not None and heading.names == (*_KAGGLE.photo, *_KAGGLE.caption)


def _parse(text: str) -> Parsed:
    heading = csv_rows.find_heading(text, _KAGGLE.photo)
    if heading and _is_kaggle(text):
        return csv_rows.parse(text, heading, _KAGGLE)
    return Parsed(*told_apart(map(_record, lines(text))), _dump)


def _record(line: TextLine) -> Entry | Skipped:
    match = _TOKEN.match(line.text)
    if match is None:
        return Skipped(str(line.number), "bad-row", "not photo#number, TAB, caption")
    row = [match[1], match[2], match[3].strip()]  # some rows have two TABs
    captions = () if is_blank(row[2]) else (Text(row[2], row, 2),)
    return Entry(str(line.number), Text(row[0], row, 0), captions, row)


def _dump(records: Sequence[Entry], keep: Set[str]) -> str:
    return "".join(f"{photo}{number}\t{one_line(caption)}\n" for photo, number, caption in (one.row for one in records))


FLICKR = CaptionFile("flickr", _suits, _parse)
