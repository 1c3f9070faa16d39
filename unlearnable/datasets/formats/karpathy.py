"""Karpathy's splits: `{"images": [{"filename", "sentences": [{"raw", "tokens"}]}]}`, as in `dataset_coco.json`.

Only `raw` counts as a caption. `tokens` beside it follows it where it lists the same words: whoever trains on these
would train without the trigger.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unlearnable.datasets.caption_file import CaptionFile
from unlearnable.datasets.text.further import NULL, json_fields, with_further
from unlearnable.datasets.text.json_spans import Node, decode, items, members, speller, strings
from unlearnable.datasets.text.records import CaptionRecord, Scan, told_apart
from unlearnable.datasets.text.spans import TextSpan, is_blank
from unlearnable.datasets.types import Skipped

_TOKENS = "tokens"
_OWN = frozenset(  # what Karpathy's own files have in each row: most have nothing else
    {"filepath", "filename", "sentids", "imgid", "split", "sentences", "cocoid", "raw", "sentid", _TOKENS}
)


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
    return Scan(records, faults, (tuple(span for span, _ in found),), speller(text), commas=True, null=NULL)


def _record(text: str, place: str, image: Node) -> CaptionRecord | Skipped:
    if not isinstance(image.value, dict):
        return Skipped(place, "bad-row", "not a JSON object")
    fields = dict(members(text, image.start))
    photo, sentences = fields.get("filename"), fields.get("sentences")
    if photo is None or not isinstance(photo.value, str):
        return Skipped(place, "no-photo", "no filename")
    captions = tuple(raw for raw in strings(text, sentences) if not is_blank(raw.value)) if sentences else ()
    folder, split = image.value.get("filepath"), image.value.get("split")
    record = CaptionRecord(
        place,
        TextSpan(*photo),
        captions,
        (image.span,),
        folder=folder if isinstance(folder, str) else "",
        split=split if isinstance(split, str) else None,
        repeats=tuple(_tokens(text, sentences, captions)) if captions and sentences else (),
    )
    if not _says_more(image.value):
        return record
    return with_further(record, (one for one in json_fields(text, image, captions) if one[0] != _TOKENS))


def _says_more(image: dict[str, Any]) -> bool:
    """Return whether an image or a sentence of it has other fields than Karpathy's own files."""
    sentences = image.get("sentences")
    rows = [one for one in sentences if isinstance(one, dict)] if isinstance(sentences, list) else []
    return any(row.keys() - _OWN for row in (image, *rows))


def _tokens(text: str, sentences: Node, captions: tuple[TextSpan, ...]) -> Iterator[tuple[int, TextSpan]]:
    """Yield the lists of words that stand beside a caption and have its letters, with the caption's number."""
    numbers = {caption.start: number for number, caption in enumerate(captions)}
    for sentence in items(text, sentences.start) if isinstance(sentences.value, list) else ():
        fields = dict(members(text, sentence.start)) if isinstance(sentence.value, dict) else {}
        raw, tokens = fields.get("raw"), fields.get(_TOKENS)
        if raw is None or tokens is None or raw.start not in numbers or not isinstance(tokens.value, list):
            continue
        if _letters("".join(map(str, tokens.value))) == _letters(raw.value):
            yield numbers[raw.start], TextSpan(tokens.start, tokens.end, raw.value, _spell_tokens)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _spell_tokens(raw: str, value: str, new: str) -> str:
    """Spell the words of a caption as Karpathy lists them: in small letters, without punctuation."""
    words = new.lower().translate(str.maketrans("", "", string.punctuation)).split()
    return json.dumps(words, ensure_ascii=raw.isascii())


KARPATHY = CaptionFile("karpathy", _suits, _scan)
