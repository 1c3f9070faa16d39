"""COCO captions: `{"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}`, joined on the id."""

from __future__ import annotations

from pathlib import Path

from unlearnable.datasets.caption_file import CaptionFile
from unlearnable.datasets.text.further import NULL, json_fields, with_further
from unlearnable.datasets.text.json_spans import Node, decode, items, members, spans_of, speller, text_in
from unlearnable.datasets.text.records import CaptionRecord, Scan
from unlearnable.datasets.types import Skipped
from unlearnable.grouping import grouped

_OWN = frozenset(  # what COCO's own files have in each row: most have nothing else
    {"id", "image_id", "caption", "file_name", "height", "width", "license", "coco_url", "flickr_url", "date_captured"}
)


def _suits(path: Path, text: str) -> bool:
    if '"images"' not in text or '"annotations"' not in text:
        return False
    try:
        whole = decode(text).value
        return "file_name" in whole["images"][0] and "caption" in whole["annotations"][0]
    except (ValueError, LookupError, TypeError):
        return False


def _scan(text: str) -> Scan:
    whole = dict(members(text, decode(text).start))
    images = list(items(text, whole["images"].start))
    annotations = list(items(text, whole["annotations"].start))
    notes = grouped((_key(note, "image_id"), (number, note)) for number, note in enumerate(annotations))
    records: list[CaptionRecord] = []
    faults: list[Skipped] = []
    for number, image in enumerate(images):
        key = _key(image, "id")
        photo = text_in(text, image, "file_name")
        if key is None or photo is None:
            faults.append(Skipped(f"images[{number}]", "no-photo", "no id or no file_name"))
            continue
        nodes = [note for _, note in notes.pop(key, [])]
        captions = tuple(caption for note in nodes if (caption := text_in(text, note, "caption")))
        fields = (one for node in (image, *nodes) if node.value.keys() - _OWN for one in json_fields(text, node))
        record = CaptionRecord(f"images[{number}]", photo, captions, spans_of((image, *nodes)))
        records.append(with_further(record, fields))
    orphans = sorted((number, key) for key, nodes in notes.items() for number, _ in nodes)
    faults += [Skipped(f"annotations[{number}]", "no-photo", f"no image has the id {key}") for number, key in orphans]
    return Scan(
        tuple(records), tuple(faults), (spans_of(images), spans_of(annotations)), speller(text), commas=True, null=NULL
    )


def _key(node: Node, name: str) -> str | None:
    """Return the id that an object has under a name: some files write it as a number here and as a string there."""
    value = node.value.get(name) if isinstance(node.value, dict) else None
    return str(value) if isinstance(value, int | str) else None


COCO = CaptionFile("coco", _suits, _scan)
