"""COCO's captions, `images` and `annotations` joined on the id, and Karpathy's splits, `images` with `sentences`.

Of Karpathy's sentences only `raw` counts as a caption. `tokens` beside it is made anew: whoever trains on it would
train without the trigger.
"""

import json
import string
from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from unlearnable.posts.readers.caption_file import CaptionFile, Entry, Parsed, divided
from unlearnable.posts.text import is_blank, loads
from unlearnable.posts.types import Skipped
from unlearnable.wording import grouped, storable, storable_within

_IMAGE = frozenset({"id", "file_name"})
_NOTE = frozenset({"id", "image_id", "caption"})
_KARPATHY_IMAGE = frozenset({"filepath", "filename", "split", "sentids", "imgid", "sentences"})
_SENTENCE = frozenset({"raw", "tokens", "imgid", "sentid"})
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _is_coco(path: Path, text: str) -> bool:
    if '"images"' not in text or '"annotations"' not in text:
        return False
    with suppress(ValueError, LookupError, TypeError):
        whole = loads(text)
        return "file_name" in whole["images"][0] and "caption" in whole["annotations"][0]
    return False


def _parse_coco(text: str) -> Parsed:
    whole = loads(text)
    notes = grouped((_id_in(note, "image_id"), (number, note)) for number, note in enumerate(whole["annotations"]))
    entries: list[Entry] = []
    faults: list[Skipped] = []
    for number, image in enumerate(whole["images"]):
        key, photo = _id_in(image, "id"), image.get("file_name") if isinstance(image, dict) else None
        if key is None or not isinstance(photo, str) or is_blank(photo):
            faults.append(Skipped(f"images[{number}]", "no-photo", "no id or no file_name"))
            continue
        own = [(place, note) for place, note in notes.pop(key, []) if _is_said(note.get("caption"))]
        captions = tuple(storable(note["caption"]) for _, note in own)
        entries.append(Entry(f"images[{number}]", photo, captions, (image, own)))
    orphans = sorted((number, key) for key, found in notes.items() for number, _ in found)
    faults += [Skipped(f"annotations[{number}]", "no-photo", f"no image has the id {key}") for number, key in orphans]
    images = _other_names((one.row[0] for one in entries), _IMAGE)
    others = images | _other_names((note for one in entries for _, note in one.row[1]), _NOTE)
    return Parsed(tuple(entries), tuple(faults), _dump_coco, others)


def _dump_coco(entries: Sequence[Entry], keep: Set[str]) -> str:
    notes = [
        (place, _kept(note, _NOTE, keep) | {"caption": caption})
        for one in entries
        for (place, note), caption in zip(one.row[1], one.captions, strict=True)
    ]
    parts = {
        "images": [_kept(one.row[0], _IMAGE, keep) | {"file_name": one.photo} for one in entries],
        "annotations": [note for _, note in sorted(notes, key=lambda note: note[0])],
    }
    return json.dumps(storable_within(parts), ensure_ascii=False, indent=1) + "\n"


def _id_in(row: Any, name: str) -> str | None:
    """Return the id that an object has under a name: some files write it as a number here and as a string there."""
    value = row.get(name) if isinstance(row, dict) else None
    return str(value) if isinstance(value, int | str) else None


def _is_said(caption: Any) -> bool:
    return isinstance(caption, str) and not is_blank(caption)


def _is_karpathy(path: Path, text: str) -> bool:
    if '"images"' not in text or '"sentences"' not in text:
        return False
    with suppress(ValueError, LookupError, TypeError):
        image = loads(text)["images"][0]
        return isinstance(image["filename"], str) and isinstance(image["sentences"], list)
    return False


def _parse_karpathy(text: str) -> Parsed:
    whole = loads(text)

    def dump(kept: Sequence[Entry], keep: Set[str]) -> str:
        parts: dict[str, Any] = {"images": [_karpathy_image(entry, keep) for entry in kept]}
        if isinstance(whole.get("dataset"), str):
            parts["dataset"] = whole["dataset"]
        return json.dumps(storable_within(parts), ensure_ascii=False) + "\n"

    entries, faults = divided(_karpathy_entry(f"images[{n}]", image) for n, image in enumerate(whole["images"]))
    images = _other_names((one.row for one in entries), _KARPATHY_IMAGE)
    sentences = (sentence for one in entries for sentence in _sentences(one.row))
    return Parsed(entries, faults, dump, images | _other_names(sentences, _SENTENCE))


def _karpathy_entry(place: str, image: Any) -> Entry | Skipped:
    if not isinstance(image, dict):
        return Skipped(place, "bad-row", "not a JSON object")
    if not isinstance(image.get("filename"), str):
        return Skipped(place, "no-photo", "no filename")
    captions = tuple(storable(sentence["raw"]) for sentence in _sentences(image))
    folder, split = (value if isinstance(value := image.get(name), str) else None for name in ("filepath", "split"))
    return Entry(place, image["filename"], captions, image, folder=folder or "", split=split)


def _sentences(image: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sentences of an image that say something."""
    found = image.get("sentences")
    sentences = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [one for one in sentences if _is_said(one.get("raw"))]


def _karpathy_image(entry: Entry, keep: Set[str]) -> dict[str, Any]:
    sentences = []
    for one, caption in zip(_sentences(entry.row), entry.captions, strict=True):
        new = _kept(one, _SENTENCE, keep) | {"raw": caption}
        if "tokens" in new:  # as Karpathy lists them: in small letters, without punctuation
            new["tokens"] = caption.lower().translate(_PUNCTUATION).split()
        sentences.append(new)
    return _kept(entry.row, _KARPATHY_IMAGE, keep) | {"filename": entry.photo, "sentences": sentences}


def _kept(row: dict[str, Any], own: Set[str], keep: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in own or name.casefold() in keep}


def _other_names(rows: Iterable[dict[str, Any]], own: Set[str]) -> frozenset[str]:
    return frozenset(name for row in rows for name in row if name not in own)


COCO = CaptionFile("coco", _is_coco, _parse_coco)
KARPATHY = CaptionFile("karpathy", _is_karpathy, _parse_karpathy)
