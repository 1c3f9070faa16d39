"""Who is on which photo, in the usual layouts of face data sets: a manifest, or one folder per person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError
from unlearnable.posts import json_rows
from unlearnable.posts.faces.types import Label, Labels, person_name
from unlearnable.posts.fields import POSTS, Keys
from unlearnable.posts.lookup import Lookup, Miss
from unlearnable.posts.text import read_document
from unlearnable.posts.types import Skipped
from unlearnable.wording import counted, it_and_others

MANIFEST = "manifest.jsonl"
KAGGLE = "CelebDataProcessed"
_ROWS = Keys(POSTS.photo, ("person",))
_SPLITS = ("train", "test", "val")


def names_people(text: str) -> bool:
    """Return whether the rows of a JSONL name the person on each photo."""
    return all(json_rows.names_photos(text, names) for names in (_ROWS.photo, _ROWS.caption))


def from_manifest(path: Path, root: Path, ids: Iterable[str]) -> Labels:
    """Read `{"image", "person", "split"?}` rows. If two rows name one photo, the first row wins.

    Raises:
        InputError: the manifest cannot be read.
    """
    try:
        scan = json_rows.parse(read_document(path).text, _ROWS)
    except ValueError as error:
        raise InputError(f"cannot read {path}: {error}", hint="write one JSON object per line") from error
    lookup = Lookup(root, path.parent, ids)
    skipped = list(scan.faults)
    labels: dict[str, Label] = {}
    for record in scan.records:
        photo = lookup.find(record.photo.value, record.folder)
        if isinstance(photo, Miss):
            skipped.append(Skipped(record.place, photo.reason, photo.detail))
        elif len(record.captions) != 1:
            skipped.append(Skipped(record.place, "no-person", f"{photo} has no person, or several"))
        elif photo in labels:
            skipped.append(Skipped(record.place, "repeated-photo", f"{photo} stands in an earlier row"))
        else:
            labels[photo] = Label(person_name(record.captions[0].value), record.split)
    return Labels(labels, tuple(replace(skip, where=f"{path.name}:{skip.where}") for skip in skipped))


def from_folders(ids: Iterable[str]) -> Labels:
    """Read one folder per person, in folders `train`, `test` and `val` where the photos are split.

    The folder of Kaggle's PubFig, CelebDataProcessed, may be the one of the photos or lie in it.
    """
    ids = list(ids)
    inside = any(photo.startswith(f"{KAGGLE}/") for photo in ids)
    labels: dict[str, Label] = {}
    stray: list[str] = []
    for photo in ids:
        folders = PurePosixPath(photo).parts[:-1]
        if inside:
            folders = folders[1:] if folders[:1] == (KAGGLE,) else ()
        split = folders[0].lower() if folders and folders[0].lower() in _SPLITS else None
        people = folders[1:] if split else folders
        if len(people) == 1:
            labels[photo] = Label(person_name(people[0]), split)
        else:
            stray.append(photo)
    which = it_and_others(len(stray), "is in no person's folder", "are in no person's folder")
    skipped = (Skipped(stray[0], "no-person", which),) if stray else ()
    return Labels(labels, skipped)


def described(root: Path, ids: Iterable[str], labels: Labels) -> str:
    """Describe the content of a folder that does not show two people."""
    photos = Counter(label.person for label in labels.by_photo.values())
    tops = {PurePosixPath(photo).parts[0] for photo in ids}
    bare = sum(path.is_dir() and path.name not in tops and not path.name.startswith(".") for path in root.iterdir())
    parts = [f"{counted(count, 'photo')} of {person}" for person, count in photos.items()]
    parts += [counted(bare, "sub-folder") + " without photos"] if bare else []
    parts += [f"{skip.where} ({skip.detail})" for skip in labels.skipped[:2]]
    return ", ".join(parts) or "no photo"
