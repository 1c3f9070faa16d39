"""Resolve the paths in a caption file to photos of a folder, and rewrite them for the output."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Sequence
from copy import copy
from os.path import isfile  # as of a path it raises no error where that is too long
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from unlearnable.storage.folders import published_above
from unlearnable.wording import grouped

_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\[^\\]")
_URL = "file:"
_BLANK = r"[\s\u200b-\u200f\u202a-\u202e\u2060\ufeff]"  # also those without width, as pages and Windows add them
_BLANKS_AROUND = re.compile(rf"\A{_BLANK}+|{_BLANK}+\Z")


class Miss(NamedTuple):
    """Why a path leads to no photo: `reason` is one hyphenated word, `detail` says more."""

    reason: str
    detail: str


class Lookup:
    """Finder of photos, given by their ids below `root`, by the paths in a caption file in `folder`."""

    def __init__(self, root: Path, folder: Path, ids: Iterable[str]) -> None:
        self.elsewhere: list[str] = []  # paths of another machine that were found by their ends
        self._root = posixpath.normpath(root.absolute().as_posix())
        self._roots = {self._root, root.resolve().as_posix()}
        self._folder = posixpath.normpath(folder.absolute().as_posix())
        photos = list(ids)
        names = [_composed(posixpath.basename(photo)) for photo in photos]
        self._ids = {_composed(photo): photo for photo in photos} | {photo: photo for photo in photos}
        self._folded = grouped((_folded(photo), photo) for photo in photos)
        self._by_name = grouped(zip(names, photos, strict=True))
        self._by_stem = grouped((posixpath.splitext(name)[0], photo) for name, photo in zip(names, photos, strict=True))
        self._suffixes = {posixpath.splitext(name)[1] for name in names}

    def beside(self, folder: Path) -> Lookup:
        """Return the finder of the same photos by the paths in a caption file of another folder."""
        other = copy(self)
        other._folder = posixpath.normpath(folder.absolute().as_posix())
        return other

    def find(self, value: str, folder: str = "") -> str | Miss:
        r"""Return the id of the photo that `value`, a path in the caption file, means.

        Tried in turn: the path from the root, the path from the caption file, and the one photo whose path ends with
        it, where copies that `protect` wrote do not count; then the same but for small and capital letters and kinds
        of blanks. A name without a suffix means the one photo that has it with some suffix. Of a path of another
        machine (`C:\...`, `file:///...`) the end that some photo shares with it is enough.
        `folder` is one that the caption file gives apart from the path; it is tried first.
        """
        if not folder and value in self._ids:
            return self._ids[value]
        value = _BLANKS_AROUND.sub("", value)
        is_url = value.lower().startswith(_URL)
        path = (unquote(urlsplit(value).path) if is_url else value).replace("\\", "/")
        names = [posixpath.join(folder, path), path] if folder else [path]
        below = [self._below(base, name) for name in names for base in (self._root, self._folder)]
        places = [place for place in below if place is not None]
        if exact := next((self._ids[place] for place in places if place in self._ids), None):
            return exact
        has_suffix = posixpath.splitext(path)[1] in self._suffixes
        by_stem = {} if has_suffix else self._by_stem
        if is_url or _DRIVE.match(value):
            ends = [posixpath.join(*_parts(path)[start:]) for start in range(len(_parts(path)))]
            photos = self._ending(ends, self._by_name) or self._ending(ends, by_stem)
            found = self._one_of(path, photos)
            self.elsewhere += [value] if isinstance(found, str) else []
            return found or Miss("missing-photo", f"{path} is of another machine, and no photo has its name")
        if not places:
            return Miss("outside-folder", f"{path} is not below {self._root}")
        alike = next(filter(None, (self._folded.get(_folded(place)) for place in places)), [])
        if found := self._one_of(path, self._ending(names, self._by_name) or alike or self._ending(names, by_stem)):
            return found
        if any(isfile(posixpath.join(self._root, place)) for place in places):  # noqa: PTH113
            return Miss("not-a-photo", f"{path} is a file of another kind")
        return Miss("missing-photo", f"{path} is not below {self._root}, or is not a photo")

    def renamed(self, value: str, photo: str, new: str) -> str:
        """Return the replacement of `value`, which means `photo`, once that photo is at `new` in the output folder.

        A path without the folders above it, as in Flickr and COCO, stays without them; any other becomes the path
        from the output folder.
        """
        shown, parts, new_parts = _parts(value), _parts(photo), PurePosixPath(new).parts
        hidden = PurePosixPath(photo).parts[: -len(shown)]
        stays_short = parts[-len(shown) :] == shown and new_parts[: len(hidden)] == hidden
        return posixpath.join(*new_parts[len(hidden) :]) if stays_short else new

    def _below(self, base: str, name: str) -> str | None:
        """Return the composed path below the root of `name`, which is relative to `base`; None if it is not below."""
        full = posixpath.normpath(posixpath.join(base, name))  # resolving would follow links: ids are names
        for root in self._roots:
            if full.startswith(posixpath.join(root, "")):
                return _composed(posixpath.relpath(full, root))
        return None

    def _ending(self, names: Sequence[str], index: dict[str, list[str]]) -> list[str]:
        """Return the photos whose full path ends with the first of `names` that any ends with."""
        for shown in filter(None, map(_parts, names)):
            photos = [
                photo
                for photo in index.get(shown[-1], [])
                if _parts(f"{self._root}/{photo}")[-len(shown) : -1] == shown[:-1]
            ]
            if photos:
                return photos
        return []

    def _one_of(self, path: str, photos: Sequence[str]) -> str | Miss | None:
        """Return the one photo that is meant, preferring originals to copies that `protect` wrote."""
        if len(photos) > 1:
            photos = [one for one in photos if not any(published_above(Path(self._root, one)))] or photos
        if len(photos) > 1:
            return Miss("ambiguous-photo", f"{path} could be {photos[0]} or {photos[1]}")
        return photos[0] if photos else None


def _composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _folded(path: str) -> str:
    return re.sub(r"\s", " ", _composed(path)).casefold()


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(posixpath.normpath(_composed(path).replace("\\", "/"))).parts
