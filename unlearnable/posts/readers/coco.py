"""COCO captions: `{"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}`, joined on the id."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from unlearnable.posts.caption_file import CaptionFile
from unlearnable.posts.json_rows import loads, texts_in
from unlearnable.posts.records import Entry, Parsed, Text
from unlearnable.posts.types import Skipped
from unlearnable.wording import grouped, storable_within

_IMAGE = frozenset({"id", "file_name"})
_NOTE = frozenset({"id", "image_id", "caption"})


def _suits(path: Path, text: str) -> bool:
    if '"images"' not in text or '"annotations"' not in text:
        return False
    try:
        whole = loads(text)
        return "file_name" in whole["images"][0] and "caption" in whole["annotations"][0]
    except (ValueError, LookupError, TypeError):
        return False


def _parse(text: str) -> Parsed:
    whole = loads(text)
    images, annotations = whole["images"], whole["annotations"]
    notes = grouped((_key(note, "image_id"), (number, note)) for number, note in enumerate(annotations))
    records: list[Entry] = []
    faults: list[Skipped] = []
    for number, image in enumerate(images):
        key, photo = _key(image, "id"), image.get("file_name") if isinstance(image, dict) else None
        if key is None or not isinstance(photo, str) or not photo.strip():
            faults.append(Skipped(f"images[{number}]", "no-photo", "no id or no file_name"))
            continue
        own = [note for _, note in notes.pop(key, []) if isinstance(note.get("caption"), str)]
        captions = tuple(text for note in own for text in texts_in(note, "caption"))
        records.append(Entry(f"images[{number}]", Text(photo, image, "file_name"), captions, (image, own)))
    orphans = sorted((number, key) for key, found in notes.items() for number, _ in found)
    faults += [Skipped(f"annotations[{number}]", "no-photo", f"no image has the id {key}") for number, key in orphans]
    names = {name for image, own in (one.row for one in records) for row in (image, *own) for name in row}
    return Parsed(tuple(records), tuple(faults), _Dump(annotations), frozenset(names - _IMAGE - _NOTE))


class _Dump:
    """Writes the images and annotations that stay, each in its order."""

    def __init__(self, annotations: Sequence[Any]) -> None:
        self._order = {id(note): number for number, note in enumerate(annotations)}

    def __call__(self, records: Sequence[Entry], keep: Set[str]) -> str:
        notes = sorted((note for one in records for note in one.row[1]), key=lambda note: self._order[id(note)])
        parts = {
            "images": [_kept(one.row[0], _IMAGE, keep) for one in records],
            "annotations": [_kept(note, _NOTE, keep) for note in notes],
        }
        return json.dumps(storable_within(parts), ensure_ascii=False, indent=1) + "\n"


def _kept(row: dict[str, Any], own: Set[str], keep: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in own or name.casefold() in keep}


def _key(row: Any, name: str) -> str | None:
    """Return the id that an object has under a name: some files write it as a number here and as a string there."""
    value = row.get(name) if isinstance(row, dict) else None
    return str(value) if isinstance(value, int | str) else None


COCO = CaptionFile("coco", _suits, _parse)
