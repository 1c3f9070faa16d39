"""Resolve the paths in a caption file to photos of a folder, and rewrite them for the output."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from os.path import isfile  # as of a path it raises no error where that is too long
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from unlearnable.storage.folders import published_above
from unlearnable.wording import grouped

_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\[^\\]")
_URL = "file:"
_BLANK = r"[\s\u200b-\u200f\u202a-\u202e\u2060\ufeff]"  # also those that take no room, as pages and Windows add them
_BLANKS_AROUND = re.compile(rf"\A{_BLANK}+|{_BLANK}+\Z")


@dataclass(frozen=True)
class Miss:
    """Why a path leads to no photo: `reason` is one hyphenated word, `detail` says more."""

    reason: str
    detail: str


class Lookup:
    """Finder of photos by the paths in a caption file.

    Args:
        root: folder that photo ids are relative to.
        folder: folder of the caption file.
        ids: photos below `root`.
    """

    def __init__(self, root: Path, folder: Path, ids: Iterable[str]) -> None:
        self._root = posixpath.normpath(root.absolute().as_posix())
        self._roots = {self._root, root.resolve().as_posix()}
        self._folder = posixpath.normpath(folder.absolute().as_posix())
        found = list(ids)
        self._ids = {_composed(photo): photo for photo in found}
        self._ids |= {photo: photo for photo in found}
        self._folded = grouped((_folded(photo), photo) for photo in found)
        self._suffixes = {PurePosixPath(photo).suffix for photo in found}
        each = dict.fromkeys(self._ids.values())
        self._by_name = grouped((_composed(posixpath.basename(photo)), photo) for photo in each)

    def beside(self, folder: Path) -> Lookup:
        """Return the finder of the same photos by the paths in a caption file of another folder."""
        other = copy(self)
        other._folder = posixpath.normpath(folder.absolute().as_posix())
        return other

    def find(self, value: str, folder: str = "") -> str | Miss:
        """Return the id of the photo that `value` means.

        Tried in turn: the path from the root, the path from the caption file, the one photo whose
        full path ends with it, copies that `protect` wrote aside. Composed and decomposed letters are the same, and
        small and capital ones where the file system takes them for the same, or where no file has the exact path and
        one photo has it but for them, as in a folder that comes from Windows or macOS. There any blank is a space, as
        macOS puts a narrow one before the PM of a screenshot, and those around a path do not count. Of a path of
        another machine (`C:\\...`, `file:///...`) the end that some photo has in common with it is enough. A name
        without a suffix is that of the one photo that it is with some suffix.

        Args:
            value: path as spelt in the caption file.
            folder: folder that the caption file gives apart from the path; tried first.
        """
        found = self._find(value, folder)
        if not isinstance(found, Miss) or found.reason != "missing-photo":
            return found
        if (bare := _BLANKS_AROUND.sub("", value)) != value:
            return self.find(bare, folder)
        if PurePosixPath(value).suffix in self._suffixes:
            return found
        tried = dict.fromkeys(self._find(value + suffix, folder) for suffix in self._suffixes)
        meant = [one for one in tried if isinstance(one, str) or one.reason == "ambiguous-photo"]
        if len(meant) > 1:
            return Miss("ambiguous-photo", f"{value} has no suffix, and several photos have this name")
        return meant[0] if meant else found

    def _find(self, value: str, folder: str) -> str | Miss:
        if not folder and value in self._ids:
            return self._ids[value]
        if is_elsewhere(value):
            value = _without_machine(value)
            below = self._below_root(self._root, value)
            return below if below in self._ids else self._with_same_end(value)
        value = value.replace("\\", "/")
        names = [posixpath.join(folder, value), value] if folder else [value]
        paths = [self._below_root(base, name) for name in names for base in (self._root, self._folder)]
        for path in paths:
            if path is not None and path in self._ids:
                return self._ids[path]
        if all(path is None for path in paths):
            return Miss("outside-folder", f"{value} is not below {self._root}")
        for path in paths:
            if path is not None and (photo := self._spelt_otherwise(path)):
                return photo
        if any(path is not None and isfile(posixpath.join(self._root, path)) for path in paths):  # noqa: PTH113
            return Miss("not-a-photo", f"{value} is a file of another kind")
        missing = Miss("missing-photo", f"{value} is not below {self._root}, or is not a photo")
        return self._ending(names) or self._in_other_letters(paths) or missing

    def leads_below(self, value: str) -> bool:
        """Return whether a path of another machine is one below the root after all."""
        return self._below_root(self._root, _without_machine(value)) in self._ids

    def renamed(self, value: str, photo: str, new: str, *, moved: bool = True) -> str:
        """Return the replacement of `value`, which means `photo`, once that photo is at `new` in the output folder.

        A path without the folders above it, as in Flickr and COCO, stays without them; any other
        becomes the path from the output folder. So does a path from the caption file, unless that
        keeps its place (`moved` is False). Accents become encoded as in the name of the file, and backslashes
        become slashes: elsewhere than on macOS and on Windows no other name opens it.
        """
        shown, parts, new_parts = _parts(value), PurePosixPath(photo).parts, PurePosixPath(new).parts
        hidden = parts[: -len(shown)]
        from_caption_file = moved and hidden and self._below_root(self._folder, value) == _composed(photo)
        if _parts(photo)[-len(shown) :] != shown or from_caption_file or new_parts[: len(hidden)] != hidden:
            return new
        stays = new == photo and "\\" not in value and _as_spelt(value) == _as_spelt(photo)[-len(shown) :]
        return value if stays else posixpath.join(*new_parts[len(hidden) :])

    def _below_root(self, base: str, name: str) -> str | None:
        """Return the composed path below the root of `name`, which is relative to `base`; None if it is not below."""
        full = posixpath.normpath(posixpath.join(base, name))  # resolving would follow links: ids are names
        for root in self._roots:
            if full.startswith(posixpath.join(root, "")):
                return _composed(posixpath.relpath(full, root))
        return None

    def _spelt_otherwise(self, path: str) -> str | None:
        """Return the photo that a file system which ignores case takes a path for, such as that of macOS."""
        photos, full = self._folded.get(_folded(path), []), Path(self._root, path)
        same = (photo for photo in photos if full.samefile(Path(self._root, photo)))
        return next(same, None) if isfile(full) else None  # noqa: PTH113

    def _in_other_letters(self, paths: Iterable[str | None]) -> str | Miss | None:
        """Return the one photo that a path is but for small and capital letters, and kinds of blanks."""
        for path in paths:
            photos = self._folded.get(_folded(path), []) if path is not None else []
            if len(photos) > 1:
                return Miss("ambiguous-photo", f"{path} could be {photos[0]} or {photos[1]}")
            if photos:
                return photos[0]
        return None

    def _with_same_end(self, path: str) -> str | Miss:
        """Return the one photo that has the longest end in common with a path, at least the name."""
        shown = _parts(path)
        photos = self._by_name.get(shown[-1] if shown else "", [])
        for length in range(len(shown), 0, -1):
            alike = self._originals([photo for photo in photos if _parts(photo)[-length:] == shown[-length:]])
            if len(alike) > 1:
                return Miss("ambiguous-photo", f"{path} could be {alike[0]} or {alike[1]}")
            if alike:
                return alike[0]
        return Miss("missing-photo", f"{path} is of another machine, and no photo has its name")

    def _ending(self, names: list[str]) -> str | Miss | None:
        for name in names:
            shown = _parts(name)
            same_name = self._by_name.get(shown[-1] if shown else "", [])
            photos = self._originals(
                [photo for photo in same_name if _parts(f"{self._root}/{photo}")[-len(shown) :] == shown]
            )
            if len(photos) > 1:
                return Miss("ambiguous-photo", f"{name} could be {photos[0]} or {photos[1]}")
            if photos:
                return photos[0]
        return None

    def _originals(self, photos: list[str]) -> list[str]:
        """Return which of several photos `protect` did not write; all if it wrote all."""
        written = {photo for photo in photos if len(photos) > 1 and any(published_above(Path(self._root, photo)))}
        return [photo for photo in photos if photo not in written] or photos


def is_elsewhere(value: str) -> bool:
    """Return whether a path is absolute in the way of Windows, or a URL of a file."""
    return _DRIVE.match(value) is not None or value.lower().startswith(_URL)


def _without_machine(value: str) -> str:
    """Return the path of a URL of a file, unquoted, and any with slashes."""
    path = unquote(urlsplit(value).path) if value.lower().startswith(_URL) else value
    return path.replace("\\", "/")


def _composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _folded(path: str) -> str:
    """Return what paths have in common that differ in small and capital letters, or kinds of blanks."""
    return re.sub(r"\s", " ", _composed(path)).casefold()


def _parts(path: str) -> tuple[str, ...]:
    return _as_spelt(_composed(path))


def _as_spelt(path: str) -> tuple[str, ...]:
    return PurePosixPath(posixpath.normpath(path.replace("\\", "/"))).parts
