"""Google Takeout's sidecars: the `description` in `IMG.jpg.supplemental-metadata.json` is the caption of `IMG.jpg`.

The names of sidecars are cut short, have their counter elsewhere (`a(1).jpg`, `a.jpg.supplemental-metadata(1).json`),
some lack the suffix of the photo (`a.supplemental-metadata.json`, `a.json`) or have it in other letters, and an edited
photo (`IMG-edited.jpg`, `IMG-bearbeitet.jpg`) shares that of its original. Of an export in several parts, a photo and
its sidecar may be in different ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnable.datasets.beside import Beside, StoredCaption
from unlearnable.datasets.text.further import personal_in
from unlearnable.datasets.text.json_spans import decode, speller, text_in
from unlearnable.datasets.tree import find_files, is_photo

_SUFFIX = ".supplemental-metadata"
_GOOGLES = frozenset(  # an album's metadata.json has none of them, and a photo's at least one in each of the years
    (
        *("photoTakenTime", "creationTime", "modificationTime", "photoLastModifiedTime", "geoDataExif"),
        *("googlePhotosOrigin", "trashed", "inLockedFolder"),
    )
)
_GALLERY_DLS = "category"  # gallery-dl writes it beside a title, which may be a photo's name too
_CUT_AT = 42  # Google cuts names to 46 characters, but counts some letters for more than one
_COUNTED = re.compile(r"(.*)(\(\d+\))(\.[^.]*)?")
_PART = re.compile(
    r"(?:^|(?<=/))takeout(?:[^\w/][^/]*)?/", re.IGNORECASE
)  # `Takeout 2`, `takeout-20250203T030726Z-001`
_ORIGINALS = (".HEIC", ".heic", ".jpg", ".JPG", ".jpeg", ".png", ".dng")  # what an edition in JPEG may be made of
_EDITED = re.compile(r"(.+)-[^-_\d(). ][^-_\d().]*(\(\d+\))?")  # with spaces and accents of any language


def _match(root: Path, photos: Sequence[str]) -> dict[str, str]:
    """Return each photo's sidecar: in its folder, by its own letters, else in another part, in small or large ones."""
    sidecars = find_files(root, lambda name: name.endswith(".json"))
    exact, alike = set(sidecars), {_alike(file): file for file in reversed(sidecars)}
    matched: dict[str, str] = {}
    for photo in photos:
        path = PurePosixPath(photo)
        folder = photo.removesuffix(path.name)
        names = [f"{stem}.json" for name in _names(path) for stem in _stems(name)]
        own = next((file for name in names if (file := folder + name) in exact), None)
        if own is None:
            folder = _alike(folder)
            own = next((alike[file] for name in names if (file := folder + name.casefold()) in alike), None)
        if own is not None:
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


def _captions(text: str) -> list[StoredCaption]:
    whole = decode(text)
    if not isinstance(whole.value, dict) or not _is_googles(whole.value):
        raise ValueError("none of the fields that Google writes, such as photoTakenTime")
    found = text_in(text, whole, "description")
    return [StoredCaption(found.value, (found.place,), speller(text))] if found else []


def _is_googles(row: dict[str, Any]) -> bool:
    """Return whether a photo's sidecar is Google's: by a field that only it writes, or by its title, a photo's name."""
    if not _GOOGLES.isdisjoint(row):
        return True
    return "description" in row and is_photo(str(row.get("title"))) and _GALLERY_DLS not in row


def _withheld(text: str) -> str:
    row = decode(text).value
    if row.get("trashed") is True:
        return "it lies in the trash"
    return "it lies in the locked folder" if row.get("inLockedFolder") is True else ""


def _renamed(file: str, photo: str, new: str) -> str:
    """Keep a name that still fits; an edited photo gets a sidecar of its own."""
    sidecar, place = PurePosixPath(file), PurePosixPath(new)
    if place.name == PurePosixPath(photo).name and sidecar.stem in _stems(place.name):
        return place.with_name(sidecar.name).as_posix()
    return f"{new}{_SUFFIX}.json"


TAKEOUT = Beside("takeout", _match, _captions, _renamed, personal_in, _withheld)
