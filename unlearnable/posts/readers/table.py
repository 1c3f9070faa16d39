"""Delimited text with a heading, such as open_clip's `filepath<TAB>title`. The delimiter is TAB, comma, `;` or `|`."""

from __future__ import annotations

from pathlib import Path

from unlearnable.posts import csv_rows
from unlearnable.posts.caption_file import CaptionFile
from unlearnable.posts.fields import POSTS
from unlearnable.posts.records import Parsed


def _suits(path: Path, text: str) -> bool:
    heading = csv_rows.find_heading(text, POSTS.photo)
    return heading is not None and not set(heading.names).isdisjoint(POSTS.caption)


def _parse(text: str) -> Parsed:
    heading = csv_rows.find_heading(text, POSTS.photo)
    if heading is None:
        raise ValueError(f"no heading names the photos; its first row is {csv_rows.first_row(text)}")
    return csv_rows.parse(text, heading, POSTS)


TABLE = CaptionFile("table", _suits, _parse)
