"""Posts made of portraits: which photos are held out, how many stay, and captions with a name that nobody knows.

A pretrained CLIP knows the names of famous people. What it learns about a person from new photos
shows only under a name that it has never seen, so that captions are made from templates and invented names.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from unlearnable.errors import ConfigError
from unlearnable.posts.assembly import assemble
from unlearnable.posts.faces.names import caption_of, full_names
from unlearnable.posts.faces.types import People, Portrait
from unlearnable.posts.types import NO_RECORD, Dataset, Pair, Person
from unlearnable.wording import grouped

FORMAT = "people"
"""The registry name of the format that `named_posts` makes."""


def hold_out(people: People, seed: int) -> People:
    """Hold out one photo of everyone who has at least two, drawn by `seed`: split "test"; all others are "train".

    People whose data set has splits already are returned unchanged.
    """
    if any(portrait.photo.split for portrait in people.portraits):
        return people
    shuffled = _shuffled(people.portraits, seed)
    test = {photos[0] for photos in shuffled if len(photos) > 1}
    portraits = (
        replace(portrait, photo=replace(portrait.photo, split="test" if portrait.photo.id in test else "train"))
        for portrait in people.portraits
    )
    return replace(people, portraits=tuple(portraits))


def limit(people: People, per_person: int, seed: int) -> People:
    """Keep at most `per_person` train photos of each person, drawn by `seed`, and all photos of other splits.

    A lower limit keeps a subset of what a higher one keeps. Nobody is dropped.

    Raises:
        ConfigError: `per_person` is less than 1.
    """
    if per_person < 1:
        raise ConfigError(f"{per_person} photos per person are too few", hint="keep at least 1")
    shuffled = _shuffled((portrait for portrait in people.portraits if portrait.photo.split == "train"), seed)
    dropped = {photo for photos in shuffled for photo in photos[per_person:]}
    portraits = (portrait for portrait in people.portraits if portrait.photo.id not in dropped)
    return replace(people, portraits=tuple(portraits))


def named_posts(people: People, *, seed: int = 0, rename: bool = True) -> Dataset:
    """Give each photo one caption: a template, drawn by `seed` and the photo's id, with the person's name in it.

    Args:
        people: the portraits.
        seed: seed of the templates and the names.
        rename: whether everyone gets an invented name, the same on all photos, in place of the real one.

    Returns:
        A data set of the format "people", whose captions have record -1.

    Raises:
        ConfigError: there are more people than invented names.
    """
    persons = people.persons
    names = dict(zip(persons, full_names(len(persons), seed) if rename else persons, strict=True))
    shown = {p.photo.id: Person(p.person, names[p.person]) for p in people.portraits}
    pairs = [Pair(photo, caption_of(photo, person.name, seed), NO_RECORD) for photo, person in shown.items()]
    splits = {portrait.photo.id: portrait.photo.split for portrait in people.portraits}
    return replace(assemble(people.root, splits, pairs, people.skipped, FORMAT, None), people=shown)


def _shuffled(portraits: Iterable[Portrait], seed: int) -> list[list[str]]:
    """Shuffle each person's photos by `seed`, whatever order they come in and whoever else is there."""
    by_person = grouped((portrait.person, portrait.photo.id) for portrait in portraits)
    return [
        random.Random(f"{seed}:{person!a}").sample(sorted(photos), len(photos)) for person, photos in by_person.items()
    ]
