"""Which photo of a folder a caption file means by a path, and what that path becomes in the output."""

from __future__ import annotations

import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Miss:
    """Why a path leads to no photo: a `reason` in one hyphenated word, and the `detail`."""

    reason: str
    detail: str


class Lookup:
    """Finds photos by the paths in a caption file.

    Args:
        root: the folder that photo ids are relative to.
        folder: the folder the caption file is in.
        ids: the photos below `root`.
    """

    def __init__(self, root: Path, folder: Path, ids: Iterable[str]) -> None:
        self._root = posixpath.normpath(root.absolute().as_posix())
        self._roots = {self._root, root.resolve().as_posix()}
        self._folder = posixpath.normpath(folder.absolute().as_posix())
        self._ids = {_composed(photo): photo for photo in ids}
        self._ids |= {photo: photo for photo in self._ids.values()}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for photo in dict.fromkeys(self._ids.values()):
            self._by_name[_composed(posixpath.basename(photo))].append(photo)

    def find(self, value: str, folder: str = "") -> str | Miss:
        """The id of the photo that `value` means.

        Tried in turn: the path below the root, the path from the caption file, the one photo whose
        full path ends so. Composed and decomposed letters are the same.

        Args:
            value: a path, as a caption file gives it.
            folder: a folder the caption file gives apart from it; tried first.
        """
        if not folder and value in self._ids:
            return self._ids[value]
        value = value.replace("\\", "/")
        names = [posixpath.join(folder, value), value] if folder else [value]
        places = [self._below_root(base, name) for name in names for base in (self._root, self._folder)]
        for place in places:
            if place is not None and place in self._ids:
                return self._ids[place]
        if all(place is None for place in places):
            return Miss("outside-folder", f"{value} is not below {self._root}")
        return self._ending(names) or Miss("missing-photo", f"{value} is not below {self._root}, or is no photo")

    def renamed(self, value: str, photo: str, new: str) -> str:
        """What stands for `value`, which meant `photo`, once that photo is at `new` in the output folder.

        A path that left out the folders above it, as Flickr's and COCO's do, goes on leaving them
        out; any other becomes the path from the output folder, where the caption file then is.
        """
        shown, parts, new_parts = _parts(value), PurePosixPath(photo).parts, PurePosixPath(new).parts
        hidden = parts[: -len(shown)]
        from_caption_file = hidden and self._below_root(self._folder, value) == _composed(photo)
        if _parts(photo)[-len(shown) :] != shown or from_caption_file or new_parts[: len(hidden)] != hidden:
            return new
        return value if new == photo else posixpath.join(*new_parts[len(hidden) :])

    def _below_root(self, base: str, name: str) -> str | None:
        """The composed path below the root of `name` seen from `base`, or None where it is not below."""
        full = posixpath.normpath(posixpath.join(base, name))  # resolving would follow links: ids are names
        for root in self._roots:
            if full.startswith(posixpath.join(root, "")):
                return _composed(posixpath.relpath(full, root))
        return None

    def _ending(self, names: list[str]) -> str | Miss | None:
        for name in names:
            shown = _parts(name)
            same_name = self._by_name.get(shown[-1] if shown else "", [])
            found = [photo for photo in same_name if _parts(f"{self._root}/{photo}")[-len(shown) :] == shown]
            if len(found) > 1:
                return Miss("ambiguous-photo", f"{name} could be {found[0]} or {found[1]}")
            if found:
                return found[0]
        return None


def _composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(posixpath.normpath(_composed(path.replace("\\", "/")))).parts
