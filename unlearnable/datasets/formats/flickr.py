"""Flickr8k and Flickr30k: the token file's `img.jpg#0<TAB>caption`, or Kaggle's `captions.txt`, which is CSV."""

from __future__ import annotations

import re
from pathlib import Path

from unlearnable.datasets.caption_file import CaptionFile
from unlearnable.datasets.text import csv_rows
from unlearnable.datasets.text.document import TextLine, lines
from unlearnable.datasets.text.fields import Keys
from unlearnable.datasets.text.records import CaptionRecord, Scan, told_apart
from unlearnable.datasets.text.spans import Span, TextSpan, is_blank, spell_line, stripped
from unlearnable.datasets.types import Skipped

_KAGGLE = Keys(("image",), ("caption",))
_TOKEN = re.compile(r"([^\t\n]+)#\d+\t([^\n]*)")


def _suits(path: Path, text: str) -> bool:
    first = next(lines(text), None)
    if first is None:
        return False
    return bool(_TOKEN.match(text, first.start, first.end)) or (path.suffix.lower() == ".txt" and _is_kaggle(text))


def _is_kaggle(text: str) -> bool:
    heading = csv_rows.find_heading(text, _KAGGLE.photo)
    return heading is not None and heading.names == (*_KAGGLE.photo, *_KAGGLE.caption)


def _scan(text: str) -> Scan:
    heading = csv_rows.find_heading(text, _KAGGLE.photo)
    return csv_rows.scan(text, heading, _KAGGLE) if heading and _is_kaggle(text) else _scan_tokens(text)


def _scan_tokens(text: str) -> Scan:
    found = [(Span(line.start, line.stop), _record(text, line)) for line in lines(text)]
    records, faults = told_apart(row for _, row in found)
    return Scan(records, faults, (tuple(span for span, _ in found),), spell_line)


def _record(text: str, line: TextLine) -> CaptionRecord | Skipped:
    match = _TOKEN.match(text, line.start, line.end)
    if match is None:
        return Skipped(str(line.number), "bad-row", "not photo#number, TAB, caption")
    caption = stripped(text, match.start(2), line.end)  # some rows have two TABs
    captions = () if is_blank(caption.value) else (caption,)
    photo = TextSpan(match.start(1), match.end(1), match[1])
    return CaptionRecord(str(line.number), photo, captions, (Span(line.start, line.stop),))


FLICKR = CaptionFile("flickr", _suits, _scan)
