"""Delimited text with a heading, such as open_clip's `filepath<TAB>title`. The delimiter is TAB, comma, `;` or `|`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from unlearnable.posts import csv_rows
from unlearnable.posts.caption_file import CaptionFile
from unlearnable.posts.fields import POSTS, Keys
from unlearnable.posts.records import Parsed
from unlearnable.posts.types import Columns


def _suits(path: Path, text: str) -> bool:
    heading = csv_rows.find_heading(text, POSTS.photo)
    return heading is not None and not set(heading.names).isdisjoint(POSTS.caption)


def _parse(keys: Keys, text: str) -> Parsed:
    heading = csv_rows.find_heading(text, keys.photo)
    if heading is None or set(heading.names).isdisjoint(keys.caption):
        wanted = " and ".join((*keys.photo[:1], *keys.caption[:1]))
        raise ValueError(f"no heading names {wanted}; its first row is {csv_rows.first_row(text)}")
    return csv_rows.parse(text, heading, keys)


TABLE = CaptionFile("table", _suits, partial(_parse, POSTS))


def table_of(columns: Columns) -> CaptionFile:
    """Return the format of delimited text whose columns of photos and captions have these names."""
    keys = Keys((columns.photo.casefold(),), (columns.caption.casefold(),))
    return CaptionFile("table", lambda path, text: True, partial(_parse, keys))
