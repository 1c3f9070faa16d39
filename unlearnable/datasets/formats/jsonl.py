"""Posts as JSON objects, one per line or all in one array, such as `{"image": "a.jpg", "caption": "a dog"}`."""

from __future__ import annotations

from pathlib import Path

from unlearnable.datasets.caption_file import CaptionFile
from unlearnable.datasets.text import json_rows
from unlearnable.datasets.text.fields import POSTS
from unlearnable.datasets.text.records import Scan


def _suits(path: Path, text: str) -> bool:
    return json_rows.names_photos(text, POSTS.photo, POSTS.caption)


def _scan(text: str) -> Scan:
    return json_rows.scan(text, POSTS)


JSONL = CaptionFile("jsonl", _suits, _scan)
