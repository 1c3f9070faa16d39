"""The way in to a data set of faces: whichever of the usual layouts it has, who is on each of its photos."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable.datasets.faces.layouts import MANIFEST, Found, described, from_folders, from_manifest, names_people
from unlearnable.datasets.faces.pubfig_urls import from_url_lists
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.tree import find_photos
from unlearnable.datasets.types import Photo, Skipped
from unlearnable.errors import InputError

_LAYOUTS = (
    'a manifest.jsonl with {"image", "person"} rows, PubFig\'s dev_urls.txt beside the photos it lists, '
    "CelebDataProcessed, or a folder for each person (in train and test, if they are split)"
)


@dataclass(frozen=True)
class Portrait:
    """A photo and the person on it. The photo's split is "train", "test" or whatever else the data set says."""

    photo: Photo
    person: str


@dataclass(frozen=True)
class People:
    """A data set of faces.

    Attributes:
        root: the folder that photo ids are relative to.
        portraits: in sorted order of photo id, each photo once.
        skipped: rows and photos that cannot be used.
        layout: how they lie on the disk: manifest, pubfig, celebdata or folders.
    """

    root: Path
    portraits: tuple[Portrait, ...]
    skipped: tuple[Skipped, ...]
    layout: str

    @property
    def persons(self) -> tuple[str, ...]:
        """The people, in sorted order."""
        return tuple(sorted({portrait.person for portrait in self.portraits}))


def open_people(root: Path) -> People:
    """Read a folder of faces, whichever of the usual layouts it has.

    Tried in turn: `manifest.jsonl`; PubFig's lists of addresses, if any of their photos is there;
    Kaggle's CelebDataProcessed; a folder for each person.

    Raises:
        InputError: there is no such folder, or no layout shows two people in it.
    """
    if not root.is_dir():
        raise InputError(f"there is no folder {root}", hint="check the path")
    ids = _photos(root)
    found = _recognise(root, ids)
    people = _people(root, found)
    if len(people.persons) < 2:
        raise InputError(
            f"two people at least are needed, and {root} holds {described(root, ids, found)}",
            hint=f"what can be read: {_LAYOUTS}",
        )
    return people


def read_manifest(manifest: Path, root: Path) -> People:
    """Read a manifest of {"image", "person", "split"?} rows for the photos below `root`, be it of one person only.

    Raises:
        InputError: it cannot be read, or names no photo below `root`.
    """
    found = from_manifest(manifest, root, find_photos(root))
    if not found.owners:
        first = f"; {found.skipped[0].where} is skipped as {found.skipped[0].reason}" if found.skipped else ""
        raise InputError(f"{manifest} names no photo below {root}{first}", hint="give the folder its paths start from")
    return _people(root, found)


def _recognise(root: Path, ids: list[str]) -> Found:
    manifest = root / MANIFEST
    if manifest.is_file() and names_people(read_document(manifest).text):
        return from_manifest(manifest, root, ids)
    listed = from_url_lists(root, ids)
    if listed is not None and listed.owners:
        return listed
    found = from_folders(root, ids)
    return replace(found, skipped=(*found.skipped, *(listed.skipped if listed else ())))


def _people(root: Path, found: Found) -> People:
    portraits = (
        Portrait(Photo(photo, root / photo, owner.split), owner.person) for photo, owner in found.owners.items()
    )
    return People(root, tuple(sorted(portraits, key=lambda p: p.photo.id)), found.skipped, found.layout)


def _photos(root: Path) -> list[str]:
    """The photos in a folder, which may have none."""
    try:
        return find_photos(root)
    except InputError as error:
        if error.__cause__ is not None:  # it cannot be read
            raise
        return []
