"""Names of copies that do not collide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from unlearnable.datasets.formats.sidecar import SUFFIXES
from unlearnable.protect.layout import METADATA


class OutputNames:
    """Unique names of copies: the same path and stem, the new suffix, and a number if two would collide.

    A copy never has the name of another original, not even of one that was left out, nor of a folder or of a file of
    captions. Names that differ only in case or in the encoding of an accent count as equal, as on some file systems.

    Args:
        originals: ids of all photos that were found.
        captions: name of the caption file, if there is one.
        taken: names of files that are in the output folder already and stay there; no copy stands beside the text of
            another photo.
    """

    def __init__(
        self,
        originals: Iterable[str],
        captions: str | None = None,
        taken: Iterable[str] = (),
    ) -> None:
        ids = list(originals)
        self._captions = {folded(name) for name in (METADATA, captions) if name}
        self._owners = dict.fromkeys(self._captions, "")
        self._owners |= {folded(str(folder)): "" for photo in ids for folder in PurePosixPath(photo).parents}
        for photo in ids:
            self._owners.setdefault(folded(photo), photo)
        self._stems = set(map(stem_of, ids))
        taken = list(taken)
        self._owners |= {folded(name): "" for name in taken}
        self._texts = {stem_of(name) for name in taken if name.endswith(SUFFIXES)}  # beside photos of before

    def give(self, photo: str, suffix: str) -> str:
        """Return the name of a photo's copy; of colliding photos the first to ask keeps the plain name."""
        path, number = PurePosixPath(photo), 1
        name = path.with_suffix(suffix)
        while (
            (number > 1 and stem_of(str(name)) in self._stems)  # its text would be another photo's
            or stem_of(str(name)) in self._texts
            or self._owners.setdefault(folded(str(name)), photo) != photo
        ):
            number += 1
            name = path.with_name(f"{path.stem}-{number}{suffix}")
        return str(name)

    def blocked(self, photo: str) -> str | None:
        """Return the folder of a photo that has the name of a caption file, so that both cannot be written."""
        top = PurePosixPath(photo).parts[0]
        return top if top != photo and folded(top) in self._captions else None


def stem_of(name: str) -> str:
    """Return a path without its suffix, alike for names that count as equal."""
    return folded(str(PurePosixPath(name).with_suffix("")))


def folded(name: str) -> str:
    """Return what names have in common that are one on some file systems: case and encoding of accents do not count."""
    return unicodedata.normalize("NFC", name).casefold()
