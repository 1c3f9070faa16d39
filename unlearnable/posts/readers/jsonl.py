"""Posts as JSON objects, one per line or all in one array, such as `{"image": "a.jpg", "caption": "a dog"}`."""

from __future__ import annotations

from pathlib import Path

from unlearnable.posts import json_rows
from unlearnable.posts.caption_file import CaptionFile
from unlearnable.posts.fields import POSTS
from unlearnable.posts.records import Entry, Parsed


def _suits(path: Path, text: str) -> bool:
    return json_rows.names_photos(text, POSTS.photo, POSTS.caption)


def _parse(text: str) -> Parsed:
    parsed = json_rows.parse(text, POSTS)
    others = json_rows.text_fields(text).difference(POSTS.photo)
    if others and others.isdisjoint(POSTS.caption) and parsed.records and not any(map(_has_caption, parsed.records)):
        raise ValueError(f"which field holds the captions? It has {', '.join(sorted(others))}; call one caption")
    return parsed


def _has_caption(record: Entry) -> bool:
    return not {name.casefold() for name in record.row}.isdisjoint(POSTS.caption)


JSONL = CaptionFile("jsonl", _suits, _parse)
