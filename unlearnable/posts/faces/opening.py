"""Open a data set of faces: recognise its layout and read who is on each photo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.posts.faces.layouts import MANIFEST, described, from_folders, from_manifest, names_people
from unlearnable.posts.faces.pubfig_urls import from_url_lists
from unlearnable.posts.faces.types import Labels, People, Portrait
from unlearnable.posts.text import read_document
from unlearnable.posts.tree import find_photos, unreadable
from unlearnable.posts.types import Photo, first_of

_LAYOUTS = (
    'a manifest.jsonl with {"image", "person"} rows, PubFig\'s dev_urls.txt beside the photos it lists, '
    "CelebDataProcessed, or a folder for each person (in train and test, if they are split)"
)


def open_people(root: Path, least: int = 2) -> People:
    """Read a folder of faces, of at least 1 or 2 people, in any of the usual layouts.

    Tried in turn: `manifest.jsonl`; PubFig's lists of addresses, if any of their photos is there;
    Kaggle's CelebDataProcessed; one folder per person.

    Raises:
        InputError: there is no such folder, or no layout shows `least` people in it.
    """
    if not root.is_dir():
        raise InputError(f"there is no folder {root}", hint="check the path")
    ids = _photos(root)
    labels = _recognise(root, ids)
    people = _people(root, labels)
    if len(people.persons) < least:
        needed = "one person is" if least == 1 else "two people are"
        raise InputError(
            f"at least {needed} needed, and {root} holds {described(root, ids, labels)}",
            hint=f"supported layouts: {_LAYOUTS}",
        )
    return people


def read_manifest(manifest: Path, root: Path) -> People:
    """Read a manifest of {"image", "person", "split"?} rows for the photos below `root`. One person is enough.

    Raises:
        InputError: the manifest cannot be read, or names no photo below `root`.
    """
    labels = from_manifest(manifest, root, find_photos(root))
    if not labels.by_photo:
        raise InputError(
            f"{manifest} names no photo below {root}{first_of(labels.skipped)}",
            hint="give the folder that its paths start from",
        )
    return _people(root, labels)


def _recognise(root: Path, ids: list[str]) -> Labels:
    manifest = root / MANIFEST
    if manifest.is_file() and names_people(read_document(manifest).text):
        return from_manifest(manifest, root, ids)
    listed = from_url_lists(root, ids)
    if listed is not None and listed.by_photo:
        return listed
    labels = from_folders(ids)
    return replace(labels, skipped=(*labels.skipped, *(listed.skipped if listed else ())))


def _people(root: Path, labels: Labels) -> People:
    portraits = (
        Portrait(Photo(photo, root / photo, label.split), label.person) for photo, label in labels.by_photo.items()
    )
    skipped = (*labels.skipped, *unreadable(root))
    return People(root, tuple(sorted(portraits, key=lambda p: p.photo.id)), skipped)


def _photos(root: Path) -> list[str]:
    """Return the photos in a folder, of which there may be none."""
    try:
        return find_photos(root)
    except InputError as error:
        if error.__cause__ is not None:  # the folder cannot be read
            raise
        return []
