"""Google Takeout's sidecars: the `description` in `IMG.jpg.supplemental-metadata.json` is the caption of `IMG.jpg`.

The names of sidecars are cut short, have their counter elsewhere (`a(1).jpg`, `a.jpg.supplemental-metadata(1).json`),
some lack the suffix of the photo (`a.supplemental-metadata.json`, `a.json`) or have it in other letters, and an edited
photo (`IMG-edited.jpg`, `IMG-bearbeitet.jpg`) shares that of its original. Of an export in several parts, a photo and
its sidecar may be in different ones.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnable.errors import InputError
from unlearnable.posts.readers.exports import day_of, object_in, text_in, write_posts
from unlearnable.posts.text import loads, read_document
from unlearnable.posts.tree import WITHHELD, find_files, find_photos, is_photo
from unlearnable.posts.types import Dataset, Edits, Pair, Skipped, assemble

_SUFFIX = ".supplemental-metadata"
_GOOGLES = frozenset(  # an album's metadata.json has none of them, and a photo's at least one in each of the years
    (
        *("photoTakenTime", "creationTime", "modificationTime", "photoLastModifiedTime", "geoDataExif"),
        *("googlePhotosOrigin", "trashed", "inLockedFolder"),
    )
)
_SNIFFED = 50  # files
_CUT_AT = 42  # Google cuts names to 46 characters, but counts some letters for more than one
_COUNTED = re.compile(r"(.*)(\(\d+\))(\.[^.]*)?")
_PART = re.compile(  # `Takeout 2`, `takeout-20250203T030726Z-001`
    r"(?:^|(?<=/))takeout(?:[^\w/][^/]*)?/", re.IGNORECASE
)
_ORIGINALS = (".HEIC", ".heic", ".jpg", ".JPG", ".jpeg", ".png", ".dng")  # what an edition in JPEG may be made of
_EDITED = re.compile(r"(.+)-[^-_\d(). ][^-_\d().]*(\(\d+\))?")  # with spaces and accents of any language


class _Takeout:
    """Photos of a folder with Google's JSON beside them, without those in the trash or the locked folder."""

    name = "takeout"

    def sniff(self, source: Path) -> bool:
        try:
            matched = _match(source, find_photos(source)) if source.is_dir() else {}
        except InputError:
            return False
        return any(_row(source / file) for file in islice(matched.values(), _SNIFFED))

    def read(self, source: Path, root: Path) -> Dataset:
        photos = find_photos(root)
        matched = _match(root, photos)
        numbers = {file: number for number, file in enumerate(dict.fromkeys(matched.values()))}  # editions share one
        kept: list[str] = []
        pairs: list[Pair] = []
        skipped: list[Skipped] = []
        dates: dict[str, str] = {}
        for photo in photos:
            row = _row(root / matched[photo]) if photo in matched else {}
            if row.get("trashed") is True or row.get("inLockedFolder") is True:
                where = "trash" if row.get("trashed") is True else "locked folder"
                skipped.append(Skipped(photo, WITHHELD, f"it lies in the {where}"))
                continue
            kept.append(photo)
            if photo in matched and not row:
                skipped.append(Skipped(matched[photo], "bad-row", "it is damaged, or not of Google Photos"))
            if caption := text_in(row, "description"):
                pairs.append(Pair(photo, caption, numbers[matched[photo]]))
            if day := day_of(object_in(row, "photoTakenTime").get("timestamp")):
                dates[photo] = day
        dataset = assemble(root, dict.fromkeys(kept), pairs, skipped, self.name)
        return replace(dataset, dates=dates, files=tuple(root / file for file in numbers), exported=True)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        write_posts(dataset, edits, target)


def _match(root: Path, photos: Sequence[str]) -> dict[str, str]:
    """Return each photo's sidecar: in its folder, by its own letters, else in another part, in small or large ones."""
    sidecars = find_files(root, lambda name: name.endswith(".json"))
    exact, alike = set(sidecars), {_alike(file): file for file in reversed(sidecars)}
    matched: dict[str, str] = {}
    for photo in photos:
        path = PurePosixPath(photo)
        names = [f"{stem}.json" for name in _names(path) for stem in _stems(name)]
        folder = photo.removesuffix(path.name)
        own = next((folder + name for name in names if folder + name in exact), None)
        if own is None:
            folder = _alike(folder)
            own = next((alike[file] for name in names if (file := folder + name.casefold()) in alike), None)
        if own is not None and (root / own).resolve().is_relative_to(root.resolve()):
            matched[photo] = own
    return matched


def _alike(path: str) -> str:
    """Return a path in small letters, without the folders that the parts of a Takeout were unpacked into."""
    return _PART.sub("", path).casefold()


def _names(photo: PurePosixPath) -> Iterator[str]:
    """Yield the names under which a photo may have a sidecar: its own, then those of what it may be an edition of."""
    yield photo.name
    if edited := _EDITED.fullmatch(photo.stem):
        for suffix in dict.fromkeys((photo.suffix, *_ORIGINALS)):
            yield f"{edited[1]}{edited[2] or ''}{suffix}"


def _stems(photo: str) -> Iterator[str]:
    """Yield the names, without `.json`, that are made from that of a photo: the longest first, without suffix last."""
    bare, counted = PurePosixPath(photo).stem, _COUNTED.fullmatch(photo)
    if counted is None:
        yield from _cut(photo, min(len(photo), _CUT_AT))
    else:
        yield from _cut(photo, len(photo))
        plain = counted[1] + (counted[3] or "")
        yield from (stem + counted[2] for stem in _cut(plain, min(len(plain), _CUT_AT)))
        yield from (stem + counted[2] for stem in _cut(counted[1], len(counted[1]) + 1))
    yield from _cut(bare, len(bare))


def _cut(photo: str, least: int) -> Iterator[str]:
    """Yield the beginnings of a sidecar's whole name that have at least so many characters."""
    whole = photo + _SUFFIX
    return (whole[:length] for length in range(len(whole), least - 1, -1))


def _row(path: Path) -> dict[str, Any]:
    """Return the content of a photo's file; empty where it is damaged or not Google's.

    Google's has a field that only it writes, or a photo's name as its title, as gallery-dl's (with `category`) has too.
    """
    try:
        row = loads(read_document(path).text)
    except (ValueError, InputError):
        return {}
    if not isinstance(row, dict):
        return {}
    is_titled = "description" in row and is_photo(str(row.get("title"))) and "category" not in row
    return row if is_titled or not _GOOGLES.isdisjoint(row) else {}


TAKEOUT = _Takeout()
