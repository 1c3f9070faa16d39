"""Who is on which photo, as the usual face data sets tell it: in a manifest, or by a folder for each person."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from unlearnable.datasets.lookup import Lookup, Miss
from unlearnable.datasets.text import json_rows
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.text.fields import POSTS, Keys
from unlearnable.datasets.types import Skipped
from unlearnable.errors import InputError

MANIFEST = "manifest.jsonl"
KAGGLE = "CelebDataProcessed"
_ROWS = Keys(POSTS.photo, ("person",))
_SPLITS = ("train", "test", "val")


class Owner(NamedTuple):
    """Whose photo it is, and the part of the data set it belongs to."""

    person: str
    split: str | None = None


@dataclass(frozen=True)
class Found:
    """What one layout tells: photo id -> owner, and what was left out."""

    layout: str
    owners: Mapping[str, Owner]
    skipped: tuple[Skipped, ...] = ()


def name_of(text: str) -> str:
    """The name that a folder or a list spells: underscores are blanks."""
    return " ".join(unicodedata.normalize("NFC", text).replace("_", " ").split())


def names_people(text: str) -> bool:
    """Whether the rows of a JSONL tell the person on each photo."""
    return all(json_rows.names_photos(text, names) for names in (_ROWS.photo, _ROWS.caption))


def from_manifest(path: Path, root: Path, ids: Iterable[str]) -> Found:
    """Read `{"image", "person", "split"?}` rows. Of two rows with one photo the first has the say.

    Raises:
        InputError: it cannot be read.
    """
    try:
        scan = json_rows.scan(read_document(path).text, _ROWS)
    except ValueError as error:
        raise InputError(f"cannot read {path}: {error}", hint="one JSON object a line is wanted") from error
    lookup = Lookup(root, path.parent, ids)
    skipped = list(scan.faults)
    owners: dict[str, Owner] = {}
    for record in scan.records:
        photo = lookup.find(record.photo.value, record.folder)
        if isinstance(photo, Miss):
            skipped.append(Skipped(record.place, photo.reason, photo.detail))
        elif len(record.captions) != 1:
            skipped.append(Skipped(record.place, "no-person", f"{photo} has no person, or several"))
        elif photo in owners:
            skipped.append(Skipped(record.place, "repeated-photo", f"{photo} stands in an earlier row"))
        else:
            owners[photo] = Owner(name_of(record.captions[0].value), record.split)
    return Found("manifest", owners, tuple(replace(skip, where=f"{path.name}:{skip.where}") for skip in skipped))


def from_folders(root: Path, ids: Iterable[str]) -> Found:
    """Read a folder for each person, in folders `train`, `test` and `val` where the photos are split.

    The folder of Kaggle's PubFig, CelebDataProcessed, may be `root` or lie in it.
    """
    ids = list(ids)
    inside = any(photo.startswith(f"{KAGGLE}/") for photo in ids)
    owners: dict[str, Owner] = {}
    stray: list[str] = []
    for photo in ids:
        folders = PurePosixPath(photo).parts[:-1]
        if inside:
            folders = folders[1:] if folders[:1] == (KAGGLE,) else ()
        split = folders[0].lower() if folders and folders[0].lower() in _SPLITS else None
        people = folders[1:] if split else folders
        if len(people) == 1:
            owners[photo] = Owner(name_of(people[0]), split)
        else:
            stray.append(photo)
    others = f"it and {_count(len(stray) - 1, 'more photo')} are in no person's folder"
    skipped = (Skipped(stray[0], "no-person", others),) if stray else ()
    return Found("celebdata" if inside or root.resolve().name == KAGGLE else "folders", owners, skipped)


def described(root: Path, ids: Iterable[str], found: Found) -> str:
    """What is in a folder that does not show two people, in words."""
    photos = Counter(owner.person for owner in found.owners.values())
    tops = {PurePosixPath(photo).parts[0] for photo in ids}
    bare = sum(path.is_dir() and path.name not in tops and not path.name.startswith(".") for path in root.iterdir())
    told = [f"{_count(count, 'photo')} of {person}" for person, count in photos.items()]
    told += [_count(bare, "sub-folder") + " without photos"] if bare else []
    told += [f"{skip.where} ({skip.detail})" for skip in found.skipped[:2]]
    return ", ".join(told) or "no photo"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
