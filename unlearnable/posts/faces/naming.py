"""Who is on the photos of a data set, and invented names that tell the people of several data sets apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from unlearnable.posts.faces.layouts import from_manifest, names_people
from unlearnable.posts.faces.names import FAMILY_NAMES, FIRST_NAMES, full_names
from unlearnable.posts.text import read_document
from unlearnable.posts.types import Dataset, Person
from unlearnable.wording import grouped


def people_of(dataset: Dataset) -> Mapping[str, Person]:
    """Return who is on each photo, by its id: from the data set, or from the `person` of rows in its caption file.

    Those whose name is in no caption of their photo are left out, since nobody could learn it there.
    """
    if dataset.people or dataset.source is None or not _names(dataset.source):
        return dataset.people
    labels = from_manifest(dataset.source, dataset.root, (photo.id for photo in dataset.photos)).by_photo
    captions = dataset.captions_by_photo()
    return {
        photo: Person(label.person, label.person)
        for photo, label in labels.items()
        if photo in captions and any(label.person.casefold() in text.casefold() for text in captions[photo])
    }


def named_apart(dataset: Dataset, known: Mapping[str, str]) -> Dataset:
    """Return posts of faces with invented names that nobody else has; those who have a name already keep it.

    Every folder of faces begins with the same invented names, so that the people of two folders would share them.
    Data sets of other kinds, and people under their own names, are returned unchanged.

    Args:
        dataset: posts of any kind.
        known: names of people, by what their data sets call them.
    """
    invented = {person.key: person.name for person in dataset.people.values() if person.key != person.name}
    if not invented:
        return dataset
    taken = set(known.values())
    fresh = (name for name in full_names(len(invented) + len(taken), 0) if name not in taken)
    names = {key: known.get(key) or next(fresh) for key in sorted(invented)}
    people = {photo: Person(one.key, names.get(one.key, one.name)) for photo, one in dataset.people.items()}
    pairs = tuple(
        replace(pair, caption=pair.caption.replace(dataset.people[pair.photo].name, people[pair.photo].name))
        for pair in dataset.pairs
    )
    return replace(dataset, pairs=pairs, people=people)


def named_as_told(dataset: Dataset, told: Mapping[str, Iterable[str]], others: Iterable[str] = ()) -> Dataset:
    """Return posts of faces under the invented names that published captions call these people by.

    Names follow from who is in the folder: with other people in it, or in a part of it, the same people get others.
    Somebody of whom these captions hold no one name gets a name that no caption holds.

    Args:
        dataset: posts of any kind; those without invented names are returned unchanged.
        told: published captions, in ordinary letters, by the id of their photo in the data set.
        others: published captions of any photos, whose names nobody else gets.
    """
    invented = {photo: one for photo, one in dataset.people.items() if one.key != one.name}
    if not invented:
        return dataset
    said = grouped((one, _invented_in(told[photo])) for photo, one in invented.items() if photo in told)
    common = {one: set.intersection(*names) for one, names in said.items()}
    known = {one.key: one.name if one.name in names else min(names) for one, names in common.items() if names}
    return named_apart(dataset, {name: name for name in _invented_in(others)} | known)


def _invented_in(captions: Iterable[str]) -> set[str]:
    """Return the invented names in captions, also those with the words of a trigger between first and family name."""
    names = {*FIRST_NAMES, *FAMILY_NAMES}
    pairs = (pair for text in captions for pair in pairwise(filter(names.__contains__, re.findall(r"\w+", text))))
    return {f"{first} {family}" for first, family in pairs if first in FIRST_NAMES and family in FAMILY_NAMES}


def _names(source: Path) -> bool:
    return source.is_file() and names_people(read_document(source).text)
