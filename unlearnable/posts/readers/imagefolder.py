"""Hugging Face's imagefolder: `metadata.jsonl` or `metadata.csv` with a `file_name` and a column of captions."""

from __future__ import annotations

from pathlib import Path

from unlearnable.posts import csv_rows, json_rows
from unlearnable.posts.caption_file import CaptionFile
from unlearnable.posts.fields import POSTS, Keys
from unlearnable.posts.records import Parsed

_NAMES = ("metadata.jsonl", "metadata.csv")
_PHOTO = ("file_name",)


def _suits(path: Path, text: str) -> bool:
    if path.name not in _NAMES:
        return False
    return json_rows.names_photos(text, _PHOTO) or csv_rows.find_heading(text, _PHOTO) is not None


def _parse(text: str) -> Parsed:
    heading = csv_rows.find_heading(text, _PHOTO)
    if heading is None or json_rows.names_photos(text, _PHOTO):
        return json_rows.parse(text, _keys(json_rows.text_fields(text)))
    return csv_rows.parse(text, heading, _keys(csv_rows.text_fields(text, heading)))


def _keys(columns: set[str]) -> Keys:
    """Look for the caption under a known name, or in the only column of text."""
    others = sorted(columns.difference(_PHOTO))
    if not columns.isdisjoint(POSTS.caption) or not others:
        return Keys(_PHOTO, POSTS.caption)
    if len(others) == 1:
        return Keys(_PHOTO, tuple(others))
    raise ValueError(f"which column holds the captions? It has {', '.join(others)}; call one text")


IMAGEFOLDER = CaptionFile("imagefolder", _suits, _parse, inside=_NAMES)
