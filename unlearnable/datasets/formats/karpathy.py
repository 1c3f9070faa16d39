"""Karpathy's splits: `{"images": [{"filename", "sentences": [{"raw", "tokens"}]}]}`, as in `dataset_coco.json`.

Only `raw` counts as a caption. `tokens` beside it keeps the original words, so that whoever trains on
`tokens` trains without the trigger: publish it knowing that, or remove it.
"""

from __future__ import annotations

from pathlib import Path

from unlearnable.datasets.caption_file import CaptionFile
from unlearnable.datasets.text.json_spans import Node, decode, items, members, speller, strings
from unlearnable.datasets.text.records import CaptionRecord, Scan, told_apart
from unlearnable.datasets.text.spans import TextSpan
from unlearnable.datasets.types import Skipped


def _suits(path: Path, text: str) -> bool:
    if '"images"' not in text or '"sentences"' not in text:
        return False
    try:
        images = decode(text).value["images"]
        return isinstance(images[0]["filename"], str) and isinstance(images[0]["sentences"], list)
    except (ValueError, LookupError, TypeError):
        return False


def _scan(text: str) -> Scan:
    images = dict(members(text, decode(text).start))["images"]
    found = [
        (image.span, _record(text, f"images[{number}]", image))
        for number, image in enumerate(items(text, images.start))
    ]
    records, faults = told_apart(row for _, row in found)
    return Scan(records, faults, (tuple(span for span, _ in found),), speller(text), commas=True)


def _record(text: str, place: str, image: Node) -> CaptionRecord | Skipped:
    if not isinstance(image.value, dict):
        return Skipped(place, "bad-row", "not a JSON object")
    fields = dict(members(text, image.start))
    photo, sentences = fields.get("filename"), fields.get("sentences")
    if photo is None or not isinstance(photo.value, str):
        return Skipped(place, "no-photo", "no filename")
    captions = tuple(raw for raw in strings(text, sentences) if raw.value.strip()) if sentences else ()
    folder, split = image.value.get("filepath"), image.value.get("split")
    return CaptionRecord(
        place,
        TextSpan(*photo),
        captions,
        (image.span,),
        folder=folder if isinstance(folder, str) else "",
        split=split if isinstance(split, str) else None,
    )


KARPATHY = CaptionFile("karpathy", _suits, _scan)
