"""Flickr's export: `photo_<id>.json`, wherever it lies, has the `name` and `description` of `<name>_<id>_o.jpg`.

The description is HTML. A name without words, such as that of a camera's file, is no caption.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from unlearnable.datasets.beside import Beside, StoredCaption
from unlearnable.datasets.text import html_text
from unlearnable.datasets.text.further import personal_in
from unlearnable.datasets.text.json_spans import decode, speller, text_in
from unlearnable.datasets.text.spans import is_blank
from unlearnable.datasets.tree import find_files, telling_words

_FILE = re.compile(r"photo_(\d+)\.json")
_NUMBER = re.compile(r"(?<![^_])\d+(?![^_])")


def _match(root: Path, photos: Sequence[str]) -> dict[str, str]:
    files = find_files(root, lambda name: bool(_FILE.fullmatch(name)))
    by_id = {PurePosixPath(file).stem.removeprefix("photo_"): file for file in files}
    numbers = {photo: reversed(_NUMBER.findall(PurePosixPath(photo).stem)) for photo in photos}
    found = {photo: next((by_id[one] for one in ids if one in by_id), "") for photo, ids in numbers.items()}
    return {photo: file for photo, file in found.items() if file}


def _captions(text: str) -> list[StoredCaption]:
    whole = decode(text)
    if not isinstance(whole.value, dict) or not {"id", "name", "description"} <= whole.value.keys():
        raise ValueError("no id, name and description")
    captions = []
    name, description = text_in(text, whole, "name"), text_in(text, whole, "description")
    if name and telling_words(name.value):
        captions.append(StoredCaption(name.value, (name.place,), speller(text)))
    words = html_text.read(description.value).text if description else ""
    if description and not is_blank(words):
        captions.append(StoredCaption(words, (description.place,), html_text.speller(text)))
    return captions


def _withheld(text: str) -> str:
    return "it is private on Flickr" if decode(text).value.get("privacy") == "private" else ""


def _renamed(file: str, photo: str, new: str) -> str:
    return file


FLICKR_EXPORT = Beside("flickr-export", _match, _captions, _renamed, personal_in, _withheld)
