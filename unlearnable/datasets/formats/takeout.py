"""Google Takeout's sidecars: the `description` in `IMG.jpg.supplemental-metadata.json` is the caption of `IMG.jpg`.

The names of sidecars are cut short, have their counter elsewhere (`a(1).jpg`, `a.jpg.supplemental-metadata(1).json`),
and an edited photo (`IMG-edited.jpg`, `IMG-bearbeitet.jpg`) shares that of its original.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from unlearnable.datasets.beside import Beside, StoredCaption
from unlearnable.datasets.text.further import personal_in
from unlearnable.datasets.text.json_spans import decode, speller, text_in
from unlearnable.datasets.text.spans import Span
from unlearnable.datasets.tree import find_files
from unlearnable.grouping import grouped

_SUFFIX = ".supplemental-metadata"
_CUT_AT = 42  # Google cuts names to 46 characters, but counts some letters for more than one
_COUNTED = re.compile(r"(.*)(\(\d+\))(\.[^.]*)?")
_EDITED = re.compile(r"(.+)-[^-_\d(). ][^-_\d().]*(\(\d+\))?")  # with spaces and accents of any language


def _match(root: Path, photos: Sequence[str]) -> dict[str, str]:
    files = map(PurePosixPath, find_files(root, lambda name: name.endswith(".json")))
    sidecars = grouped((file.parent.as_posix(), file.stem) for file in files)
    matched: dict[str, str] = {}
    for photo in photos:
        path = PurePosixPath(photo)
        of_folder = sidecars.get(path.parent.as_posix(), [])
        own = [stem for name in _names(path) for stem in of_folder if _belongs(stem, name)]
        if own:
            matched[photo] = (path.parent / f"{own[0]}.json").as_posix()
    return matched


def _names(photo: PurePosixPath) -> Iterator[str]:
    """Yield the names under which a photo may have a sidecar: its own, then that of the photo it is an edition of."""
    yield photo.name
    if edited := _EDITED.fullmatch(photo.stem):
        yield f"{edited[1]}{edited[2] or ''}{photo.suffix}"


def _belongs(sidecar: str, photo: str) -> bool:
    """Return whether a sidecar's name, without `.json`, is made from that of a photo."""
    if sidecar.startswith(photo) and (photo + _SUFFIX).startswith(sidecar):
        return True
    counted = _COUNTED.fullmatch(photo)
    if counted is not None:
        photo = counted[1] + (counted[3] or "")
        if not sidecar.endswith(counted[2]):
            return False
        sidecar = sidecar.removesuffix(counted[2])
    cut_short = len(sidecar) >= _CUT_AT or sidecar.startswith(photo)
    return cut_short and (photo + _SUFFIX).startswith(sidecar)


def _captions(text: str) -> list[StoredCaption]:
    whole = decode(text)
    if not isinstance(whole.value, dict) or not {"title", "photoTakenTime"} <= whole.value.keys():
        raise ValueError("no title or no photoTakenTime")  # an album's metadata.json has no time
    found = text_in(text, whole, "description")
    return [StoredCaption(found.value, (Span(found.start, found.end),), speller(text))] if found else []


def _withheld(text: str) -> str:
    row = decode(text).value
    if row.get("trashed") is True:
        return "it lies in the trash"
    return "it lies in the locked folder" if row.get("inLockedFolder") is True else ""


def _renamed(file: str, photo: str, new: str) -> str:
    """Keep a name that still fits; an edited photo gets a sidecar of its own."""
    sidecar, place = PurePosixPath(file), PurePosixPath(new)
    if place.name == PurePosixPath(photo).name and _belongs(sidecar.stem, place.name):
        return place.with_name(sidecar.name).as_posix()
    return f"{new}{_SUFFIX}.json"


TAKEOUT = Beside("takeout", _match, _captions, _renamed, personal_in, _withheld)
