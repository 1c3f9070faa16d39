"""Captions beside their photos: the lines of `a.txt` are the captions of `a.jpg`, and `a.json` is left alone.

One `.txt` per photo, with the photo's stem; each of its lines that is not blank is a caption.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from unlearnable import files
from unlearnable.datasets.beside import Beside, StoredCaption
from unlearnable.datasets.text.document import lines
from unlearnable.datasets.text.spans import Span, spell_line, stripped


def _match(root: Path, photos: Sequence[str]) -> dict[str, str]:
    texts = {photo: _text_of(photo) for photo in photos}
    return {photo: text for photo, text in texts.items() if files.is_file(root / text)}


def _captions(text: str) -> list[StoredCaption]:
    found = (stripped(text, line.start, line.end) for line in lines(text))
    return [StoredCaption(line.value, (Span(line.start, line.end),), spell_line) for line in found]


def _renamed(file: str, photo: str, new: str) -> str:
    return _text_of(new)


def _text_of(photo: str) -> str:
    return PurePosixPath(photo).with_suffix(".txt").as_posix()


SIDECAR = Beside("sidecar", _match, _captions, _renamed)
