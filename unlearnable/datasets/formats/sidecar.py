"""Captions beside their photos: the lines of `a.txt`, or `a.caption` or `a.jpg.txt`, are the captions of `a.jpg`.

One text per photo, with the photo's stem or its whole name; each of its lines that is not blank is a caption. `a.json`
is left alone. What instaloader saves of a post with several photos, `DATE_UTC_1.jpg` and so on, has one `DATE_UTC.txt`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from unlearnable.datasets.beside import Beside, StoredCaption
from unlearnable.datasets.text.document import lines
from unlearnable.datasets.text.spans import spell_line, stripped
from unlearnable.datasets.tree import is_photo
from unlearnable.disk import entries

SUFFIXES = (".txt", ".caption", ".TXT", ".CAPTION")  # where a photo has several, the first counts
_OF_A_POST = re.compile(r"(?<=_UTC)_\d+$")


def text_beside(photo: Path) -> Path | None:
    """Return the file beside a photo that holds its captions, None if there is none; it may spell accents otherwise."""
    stems = dict.fromkeys((photo.stem, photo.name, _OF_A_POST.sub("", photo.stem)))
    texts = [photo.with_name(f"{stem}{suffix}") for stem in stems for suffix in SUFFIXES]
    spelt = (text.with_name(name) for text in texts for name in (text.name, *_other_spellings(text.name)))
    return next(filter(entries.is_file, spelt), None)


def _other_spellings(name: str) -> Iterator[str]:
    """Yield a name with its accents in one letter and apart, as other systems write them."""
    if not name.isascii():
        yield unicodedata.normalize("NFC", name)
        yield unicodedata.normalize("NFD", name)


def _match(root: Path, photos: Sequence[str]) -> dict[str, str]:
    texts = {photo: text_beside(root / photo) for photo in photos}
    return {photo: text.relative_to(root).as_posix() for photo, text in texts.items() if text}


def _captions(text: str) -> list[StoredCaption]:
    found = (stripped(text, line.start, line.end) for line in lines(text))
    return [StoredCaption(line.value, (line.place,), spell_line) for line in found]


def _renamed(file: str, photo: str, new: str) -> str:
    text, path = PurePosixPath(file), PurePosixPath(new)
    return f"{new}{text.suffix}" if is_photo(text.stem) else path.with_suffix(text.suffix).as_posix()


SIDECAR = Beside("sidecar", _match, _captions, _renamed)
