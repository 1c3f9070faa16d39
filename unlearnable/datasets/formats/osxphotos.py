"""What `osxphotos export --sidecar json` or `--sidecar exiftool` writes beside each photo: `IMG_1.jpg.json`.

A list of one object with tags of ExifTool, among them the title and, up to three times, the description.
"""

from __future__ import annotations

from unlearnable.datasets.beside import Beside, StoredCaption, json_beside
from unlearnable.datasets.text.further import personal_in
from unlearnable.datasets.text.json_spans import decode, items, speller, text_in
from unlearnable.grouping import grouped

_TAGS = ("Description", "ImageDescription", "Caption-Abstract", "Title", "ObjectName")


def _captions(text: str) -> list[StoredCaption]:
    whole = decode(text)
    if not isinstance(whole.value, list) or len(whole.value) != 1:
        raise ValueError("not a list of one object")
    (photo,) = items(text, whole.start)
    if not isinstance(photo.value, dict) or "SourceFile" not in photo.value:
        raise ValueError("no SourceFile")
    found = (text_in(text, photo, tag) for tag in photo.value if tag.rpartition(":")[2] in _TAGS)
    places = grouped((one.value, one.place) for one in found if one)
    return [StoredCaption(value, tuple(spans), speller(text)) for value, spans in places.items()]


def _renamed(file: str, photo: str, new: str) -> str:
    return f"{new}.json"


OSXPHOTOS = Beside("osxphotos", json_beside, _captions, _renamed, personal_in)
