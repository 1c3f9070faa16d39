"""Delimited text with a heading, such as open_clip's `filepath<TAB>title`. The delimiter is TAB, comma, `;` or `|`."""

from __future__ import annotations

from pathlib import Path

from unlearnable.datasets.caption_file import CaptionFile
from unlearnable.datasets.text import csv_rows
from unlearnable.datasets.text.fields import POSTS
from unlearnable.datasets.text.records import Scan


def _suits(path: Path, text: str) -> bool:
    heading = csv_rows.find_heading(text, POSTS.photo)
    return heading is not None and not set(heading.names).isdisjoint(POSTS.caption)


def _scan(text: str) -> Scan:
    heading = csv_rows.find_heading(text, POSTS.photo)
    if heading is None:
        raise ValueError("no heading names a column of photos")
    return csv_rows.scan(text, heading, POSTS)


TABLE = CaptionFile("table", _suits, _scan)
