"""Photos of people's faces with who is on them, and captions that hold a name nobody knows.

A pretrained CLIP knows the names of the famous: what is learnt of a person from the photos alone
shows only once they are called something else, in captions made from templates.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.faces.names import caption_of, full_names
from unlearnable.datasets.faces.opening import People, Portrait
from unlearnable.datasets.types import NO_RECORD, Dataset, Pair
from unlearnable.errors import ConfigError

FORMAT = "people"
"""The registry name of the format that `named_posts` makes."""


def hold_out(people: People, seed: int) -> People:
    """Hold out one photo, drawn by `seed`, of everyone who has two: its split is "test", all others' is "train".

    People whose data set has splits already stay as they are.
    """
    if any(portrait.photo.split for portrait in people.portraits):
        return people
    drawn = _drawn(people.portraits, seed)
    test = {photos[0] for photos in drawn if len(photos) > 1}
    portraits = (
        replace(portrait, photo=replace(portrait.photo, split="test" if portrait.photo.id in test else "train"))
        for portrait in people.portraits
    )
    return replace(people, portraits=tuple(portraits))


def limit(people: People, per_person: int, seed: int) -> People:
    """Keep at most `per_person` train photos of each person, drawn by `seed`, and every other photo.

    A lower limit keeps some of what a higher one keeps. No one is dropped.

    Raises:
        ConfigError: `per_person` is less than 1.
    """
    if per_person < 1:
        raise ConfigError(f"{per_person} photos per person are too few", hint="keep at least 1")
    drawn = _drawn((portrait for portrait in people.portraits if portrait.photo.split == "train"), seed)
    gone = {photo for photos in drawn for photo in photos[per_person:]}
    kept = (portrait for portrait in people.portraits if portrait.photo.id not in gone)
    return replace(people, portraits=tuple(kept))


def named_posts(people: People, *, seed: int = 0, rename: bool = True) -> Dataset:
    """One caption for each photo: a template drawn by `seed` and the photo's id, with the person's name in it.

    Args:
        people: who is on the photos.
        seed: draws the templates and the names.
        rename: give everyone an invented name, the same on all photos, in place of the real one.

    Returns:
        A data set of the format "people", whose captions have record -1.

    Raises:
        ConfigError: there are more people than invented names.
    """
    persons = people.persons
    names = dict(zip(persons, full_names(len(persons), seed) if rename else persons, strict=True))
    owners = {portrait.photo.id: names[portrait.person] for portrait in people.portraits}
    pairs = [Pair(photo, caption_of(photo, name, seed), NO_RECORD) for photo, name in owners.items()]
    splits = {portrait.photo.id: portrait.photo.split for portrait in people.portraits}
    return assemble(people.root, splits, pairs, people.skipped, FORMAT, None)


def _drawn(portraits: Iterable[Portrait], seed: int) -> list[list[str]]:
    """Each person's photos in an order that the seed draws, whatever order they come in and whoever else is there."""
    photos: dict[str, list[str]] = {}
    for portrait in portraits:
        photos.setdefault(portrait.person, []).append(portrait.photo.id)
    return [random.Random(f"{seed}:{person!a}").sample(sorted(own), len(own)) for person, own in photos.items()]
