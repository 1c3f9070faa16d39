"""Posts as JSON objects, one a line or all in an array; `_keys.POSTS` lists the names of photo and caption."""

from __future__ import annotations

from pathlib import Path

from unlearnable.datasets import _json_rows
from unlearnable.datasets._caption_file import CaptionFile
from unlearnable.datasets._keys import POSTS
from unlearnable.datasets._records import Scan


def _suits(path: Path, text: str) -> bool:
    return _json_rows.names_photos(text, POSTS.photo)


def _scan(text: str) -> Scan:
    return _json_rows.scan(text, POSTS)


JSONL = CaptionFile("jsonl", _suits, _scan)
