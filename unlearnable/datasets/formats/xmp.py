"""XMP beside photos, as Lightroom, darktable and digiKam write it: the description in `a.xmp` or `a.jpg.xmp`.

It is not published: it also holds places, people, keywords and how the photo was edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from unlearnable.datasets.beside import Beside, StoredCaption, first_beside
from unlearnable.datasets.text.descriptions import words_of
from unlearnable.datasets.text.spans import spell_line
from unlearnable.imaging.xmp import parse

_HAS_WORDS = re.compile(r"description|title")  # most have none, and need not be taken apart


def _match(root: Path, photos: Sequence[str]) -> dict[str, str]:
    return first_beside(root, photos, _names)


def _names(photo: str) -> Iterator[str]:
    for stem in (photo, str(PurePosixPath(photo).with_suffix(""))):
        yield from (f"{stem}.xmp", f"{stem}.XMP")


def _captions(text: str) -> list[StoredCaption]:
    if not _HAS_WORDS.search(text):
        return []
    document = parse(text.encode())
    if document is None:
        raise ValueError("it is no XMP, or damaged")
    return [StoredCaption(words, (), spell_line) for words in words_of(document)]


XMP = Beside("xmp", _match, _captions, None)
