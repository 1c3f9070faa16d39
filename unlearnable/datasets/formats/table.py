"""Delimited text with a heading, such as open_clip's `filepath<TAB>title`. The delimiter is TAB, comma, `;` or `|`."""

from __future__ import annotations

from pathlib import Path

from unlearnable.datasets import _csv_rows
from unlearnable.datasets._caption_file import CaptionFile
from unlearnable.datasets._keys import POSTS
from unlearnable.datasets._records import Scan


def _suits(path: Path, text: str) -> bool:
    heading = _csv_rows.find_heading(text, POSTS.photo)
    return heading is not None and not set(heading.names).isdisjoint(POSTS.caption)


def _scan(text: str) -> Scan:
    heading = _csv_rows.find_heading(text, POSTS.photo)
    if heading is None:
        raise ValueError("no heading names a column of photos")
    return _csv_rows.scan(text, heading, POSTS)


TABLE = CaptionFile("table", _suits, _scan)
