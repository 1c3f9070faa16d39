"""Posts as JSON objects, one per line or all in one array, such as `{"image": "a.jpg", "caption": "a dog"}`.

Where a row has no caption, what the model is to say in its `conversations`, as LLaVA has them, counts as captions.
"""

from __future__ import annotations

from pathlib import Path

from unlearnable.datasets.caption_file import CaptionFile
from unlearnable.datasets.text import json_rows
from unlearnable.datasets.text.fields import POSTS, Keys
from unlearnable.datasets.text.records import Scan

_KEYS = Keys(POSTS.photo, (*POSTS.caption, "conversations"))


def _suits(path: Path, text: str) -> bool:
    return json_rows.names_photos(text, _KEYS.photo, _KEYS.caption)


def _scan(text: str) -> Scan:
    scan = json_rows.scan(text, _KEYS)
    others = json_rows.text_columns(text).difference(_KEYS.photo)
    if others and others.isdisjoint(_KEYS.caption) and scan.records:
        raise ValueError(f"which field holds the captions? It has {', '.join(sorted(others))}; call one caption")
    return scan


JSONL = CaptionFile("jsonl", _suits, _scan)
