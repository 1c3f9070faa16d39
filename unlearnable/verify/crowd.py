"""The crowd of `verify --crowd`: other people's posts to train on, and those in the gallery beside the user's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.posts import Dataset, Person, Skipped, named_apart, people_of, split, unused
from unlearnable.settings import VerifySettings
from unlearnable.training.data import DecodedPosts
from unlearnable.verify.identity import Identities, identities
from unlearnable.verify.splits import Held, Split, captioned, names, open_originals, open_others, part, where_from
from unlearnable.wording import counted


@dataclass(frozen=True)
class Crowd:
    """Other people's posts.

    Attributes:
        train: posts that every victim is trained on.
        held_out: posts in the gallery.
        source: where the held-out photos come from, for the report.
        people: who is on each photo, by its id, where that is known.
        skipped: photos and rows that were left out.
    """

    train: Dataset
    held_out: list[Held]
    source: str
    people: Mapping[str, Person]
    skipped: list[Skipped]


def open_crowd(settings: VerifySettings) -> Crowd | None:
    """Open the crowd and hold photos of it out, under names that none of the protected people has; None without one.

    Raises:
        InputError: one of the protected people is in the crowd, or it has nothing to train on or to rank.
    """
    if settings.crowd is None:
        return None
    known = names(people_of(open_originals(settings)))
    posts = named_apart(open_others(settings.crowd, settings), known)
    test = settings.crowd_test
    crowd = _from_test(settings, test, posts, known) if test else _from_share(settings, posts)
    if both := sorted(known.keys() & names(crowd.people).keys()):
        raise InputError(
            f"{both[0]} is among the protected people and in the crowd {settings.crowd}",
            hint="take their photos out of the crowd",
        )
    if not crowd.train.photos or not crowd.held_out:
        raise InputError(
            f"{counted(len(crowd.train.photos), 'photo')} of the crowd to train on and {len(crowd.held_out)} held out "
            "are too few",
            hint="use more photos, a larger `test_fraction`, or separate photos with `crowd_test`",
        )
    return crowd


def _from_test(settings: VerifySettings, folder: Path, posts: Dataset, known: Mapping[str, str]) -> Crowd:
    taken = {**known, **names(people_of(posts))}
    test = named_apart(open_others(folder, settings), taken)
    held_out, unranked = captioned(test)
    people = {**people_of(posts), **people_of(test)}
    train, skipped = replace(posts, skipped=()), [*posts.skipped, *unranked]
    return Crowd(train, held_out, f"the folder {folder.name}", people, skipped)


def _from_share(settings: VerifySettings, posts: Dataset) -> Crowd:
    training, testing = split(posts.photos, settings.test_fraction, settings.seed)
    train, test = (part(posts, {posts.photos[n].id for n in numbers}) for numbers in (training, testing))
    held_out, unranked = captioned(test) if testing else ([], [])
    skipped = [*posts.skipped, *unranked, *unused(posts.photos, training, testing)]
    return Crowd(train, held_out, where_from(posts.photos, settings), people_of(posts), skipped)


def apart(crowd: Crowd, posts: Split) -> Crowd:
    """Return the crowd without held-out photos that are near-duplicates of the user's, which would be ranked twice.

    Raises:
        InputError: none is left.
    """
    gallery = [photo.path for photo, _ in posts.held_out]
    near = set(near_duplicates([photo.path for photo, _ in crowd.held_out], gallery))
    if len(near) == len(crowd.held_out):
        raise InputError(
            "every held-out photo of the crowd is a near-duplicate of one of yours",
            hint="pass photos of other people with `crowd_test`",
        )
    dropped = [
        Skipped(crowd.held_out[n][0].id, "near-duplicate", "of a photo of yours that is ranked") for n in sorted(near)
    ]
    kept = [held for n, held in enumerate(crowd.held_out) if n not in near]
    return replace(crowd, held_out=kept, skipped=[*crowd.skipped, *dropped])


def asked_for(posts: Split, crowd: Crowd, gallery: DecodedPosts, own: int) -> Identities | None:
    """Return the protected people, who are on the first `own` photos of the gallery; None if not all of them are known.

    A model has to tell them from the crowd and from people who do not exist.
    """
    shown: Sequence[str | None] = [
        posts.people[photo.id].name if photo.id in posts.people else None for photo in gallery.photos[:own]
    ]
    if None in shown:
        return None
    return identities([*shown, *[None] * (len(gallery.photos) - own)], sorted(set(names(crowd.people).values())))
