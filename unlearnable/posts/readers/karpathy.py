"""Karpathy's splits: `{"images": [{"filename", "sentences": [{"raw", "tokens"}]}]}`, as in `dataset_coco.json`.

Only `raw` counts as a caption. `tokens` beside it is made anew: whoever trains on it would train without the trigger.
"""

from __future__ import annotations

import json
import string
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from unlearnable.posts.caption_file import CaptionFile
from unlearnable.posts.json_rows import loads
from unlearnable.posts.records import Entry, Parsed, Text, told_apart
from unlearnable.posts.text import is_blank
from unlearnable.posts.types import Skipped
from unlearnable.wording import storable_within

_IMAGE = frozenset({"filepath", "filename", "split", "sentids", "imgid", "sentences"})
_SENTENCE = frozenset({"raw", "tokens", "imgid", "sentid"})
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _suits(path: Path, text: str) -> bool:
    if '"images"' not in text or '"sentences"' not in text:
        return False
    try:
        images = loads(text)["images"]
        return isinstance(images[0]["filename"], str) and isinstance(images[0]["sentences"], list)
    except (ValueError, LookupError, TypeError):
        return False


def _parse(text: str) -> Parsed:
    whole = loads(text)
    found = [_record(f"images[{number}]", image) for number, image in enumerate(whole["images"])]
    records, faults = told_apart(found)
    names = {name for one in records for name in one.row} - _IMAGE
    inner = {name for one in records for sentence in _sentences(one.row) for name in sentence} - _SENTENCE

    def dump(kept: Sequence[Entry], keep: Set[str]) -> str:
        parts: dict[str, Any] = {"images": [_image(record.row, keep) for record in kept]}
        if isinstance(whole.get("dataset"), str):
            parts["dataset"] = whole["dataset"]
        return json.dumps(storable_within(parts), ensure_ascii=False) + "\n"

    return Parsed(records, faults, dump, frozenset(names | inner))


def _record(place: str, image: Any) -> Entry | Skipped:
    if not isinstance(image, dict):
        return Skipped(place, "bad-row", "not a JSON object")
    if not isinstance(image.get("filename"), str):
        return Skipped(place, "no-photo", "no filename")
    captions = tuple(
        Text(sentence["raw"], sentence, "raw")
        for sentence in _sentences(image)
        if isinstance(sentence.get("raw"), str) and not is_blank(sentence["raw"])
    )
    folder, split = (value if isinstance(value := image.get(name), str) else None for name in ("filepath", "split"))
    return Entry(place, Text(image["filename"], image, "filename"), captions, image, folder=folder or "", split=split)


def _sentences(image: dict[str, Any]) -> list[dict[str, Any]]:
    found = image.get("sentences")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _image(image: dict[str, Any], keep: Set[str]) -> dict[str, Any]:
    kept = {name: value for name, value in image.items() if name in _IMAGE or name.casefold() in keep}
    return kept | {"sentences": [_sentence(one, keep) for one in _sentences(image)]}


def _sentence(sentence: dict[str, Any], keep: Set[str]) -> dict[str, Any]:
    kept = {name: value for name, value in sentence.items() if name in _SENTENCE or name.casefold() in keep}
    if "tokens" in kept:  # as Karpathy lists them: in small letters, without punctuation
        kept["tokens"] = str(kept.get("raw", "")).lower().translate(_PUNCTUATION).split()
    return kept


KARPATHY = CaptionFile("karpathy", _suits, _parse)
