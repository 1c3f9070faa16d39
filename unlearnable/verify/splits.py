"""Who is trained on and who is ranked: photos held out, near-duplicates left out, and the crowd of `verify --crowd`."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.posts import HELD_OUT, Dataset, Person, Photo, Skipped, named_apart, people_of, split, unused
from unlearnable.report import BothWays
from unlearnable.settings import VerifySettings
from unlearnable.storage.progress import Progress
from unlearnable.training.data import OF_FACES, DecodedPosts, open_collection
from unlearnable.verify.copies import (
    NOT_PROTECTED,
    PostPair,
    as_protected,
    match,
    open_protected,
    read_both,
)
from unlearnable.verify.findings import LEAST_GAP
from unlearnable.verify.identity import Identities, identities
from unlearnable.wording import counted

Held = tuple[Photo, list[str]]  # a held-out photo with its captions
NAMED = "the split that the data names"  # where held-out photos come from
MOST_BY_CHANCE = 50.0  # Hit@10 of a random order, in per cent
NEEDED = 20  # photos in the gallery: a random order has a Hit@10 of 50 there


@dataclass(frozen=True)
class Split:
    """The posts to train on, those to rank, and those left out of both."""

    train: list[PostPair]
    held_out: list[Held]
    source: str  # where the held-out photos come from, for the report
    near: list[str]  # ids of training photos dropped as near-duplicates of held-out ones
    skipped: list[Skipped]
    people: Mapping[str, Person]  # who is on each held-out photo, by its id, where that is known
    notes: list[str]  # on the copies, for the report


def divide(settings: VerifySettings, progress: Progress, others: Sequence[Held] = ()) -> Split:
    """Pair originals and copies, hold photos out, and drop near-duplicates of held-out photos, those of others too."""
    originals = open_originals(settings)
    captions = settings.protected if settings.protected.is_file() else None
    protected = open_protected(settings.copies, originals, captions)
    posts, skipped = match(originals, protected)
    notes = [*originals.notes, *_note_on_new(skipped)]
    for line in notes:
        progress.note(line)
    skipped += [*originals.skipped, *protected.skipped]
    photos, known = [post.original for post in posts], people_of(originals)
    training, held_out, source, people, unranked = _hold_out(originals, photos, settings.test, names(known), settings)
    _refuse_strangers(known, people, settings)
    train = [posts[n] for n in training]
    skipped += unranked
    if not train or not held_out or len(held_out) + len(others) < 2:
        raise InputError(
            f"{counted(len(train), 'photo')} to train on and {len(held_out)} held out are too few",
            hint="use more photos, a larger `test_fraction`, or separate photos with `test`",
        )
    progress.phase("looking for near-duplicates", 1)
    gallery = [photo.path for photo, _ in (*held_out, *others)]
    near = set(near_duplicates([post.original.path for post in train], gallery))
    distinct = [post for n, post in enumerate(train) if n not in near]
    if not distinct:
        raise InputError(
            "every training photo is a near-duplicate of a held-out one", hint="pass different photos with `test`"
        )
    chosen = {post.original.id for post in distinct}
    for post in posts:
        if post.original.id not in chosen:
            read_both(post)  # whether a damaged copy is found must not depend on the split
    return Split(distinct, held_out, source, [train[n].original.id for n in sorted(near)], skipped, people, notes)


def _note_on_new(skipped: Sequence[Skipped]) -> list[str]:
    bare = [one.where for one in skipped if one.reason == NOT_PROTECTED]
    if not bare:
        return []
    have = "photo has" if len(bare) == 1 else "photos have"
    return [f"{len(bare)} new {have} no protected copy, such as {bare[0]}: protect with `add=True` makes one"]


def open_originals(settings: VerifySettings) -> Dataset:
    """Open the originals that the run was given, faces under the names that it published."""
    return as_protected(open_collection(settings.originals, settings.captions), settings.copies)


def open_others(given: Path, settings: VerifySettings) -> Dataset:
    """Open photos beside the originals: of faces where those are and the folder has no captions."""
    found = open_collection(given, None)
    of_people = settings.captions in OF_FACES and given.is_dir() and not (found.captioned or found.people)
    return open_collection(given, settings.captions) if of_people else found


def _refuse_strangers(known: Mapping[str, Person], shown: Mapping[str, Person], settings: VerifySettings) -> None:
    """Refuse photos to rank that show none of the people of the posts, whom alone victims learn."""
    ours, theirs = names(known), names(shown)
    same = ours.keys() & theirs.keys() or {*ours.values()} & {*theirs.values()}  # another spelling of a folder
    if ours and theirs and not same:
        raise InputError(
            f"nobody in {settings.originals}, such as {min(ours)}, is on the photos to rank in {settings.test}",
            hint="give `test` other photos of the same people, under the same names",
        )


def names(people: Mapping[str, Person]) -> dict[str, str]:
    """Return the names of people by what their data set calls them."""
    return {person.key: person.name for person in people.values()}


def without_near(dataset: Dataset, others: Sequence[Path]) -> tuple[Dataset, list[str]]:
    """Return a data set without its near-duplicates of other photos, and the names of those."""
    near = near_duplicates([photo.path for photo in dataset.photos], others)
    dropped = {dataset.photos[n].id for n in near}
    kept = {photo.id for photo in dataset.photos} - dropped
    return dataset.of(kept), [f"{dataset.name}/{name}" for name in sorted(dropped)]


def _hold_out(
    dataset: Dataset, photos: Sequence[Photo], test: Path | None, taken: Mapping[str, str], settings: VerifySettings
) -> tuple[Sequence[int], list[Held], str, Mapping[str, Person], list[Skipped]]:
    """Return the photos of a data set to train on, by number, and those to rank: of the folder `test`, or a share.

    Beside them: where they come from, for the report, who is on them, and what is neither trained on nor ranked.
    People in `test` get names that are not taken.
    """
    if test is not None:
        shown = named_apart(open_others(test, settings), taken)
        held_out, skipped = _captioned(shown)
        kind = "folder" if test.is_dir() else "file"
        return range(len(photos)), held_out, f"the {kind} {test.name}", people_of(shown), skipped
    training, testing = split(photos, settings.test_fraction, settings.seed)
    chosen = {photos[n].id for n in testing}
    held_out, skipped = _captioned(replace(dataset.of(chosen), skipped=()))
    source = f"{100 * settings.test_fraction:.0f} % of the photos, drawn with seed {settings.seed}"
    if any(photo.split in HELD_OUT for photo in photos):
        source = NAMED
    return training, held_out, source, people_of(dataset), [*skipped, *unused(photos, training, testing)]


def _captioned(test: Dataset) -> tuple[list[Held], list[Skipped]]:
    """Return the photos of a test set with their captions, and those skipped for want of a caption."""
    texts, uncaptioned = test.captions_by_photo(), set[str]() if test.people else test.uncaptioned
    if test.photos and len(uncaptioned) == len(test.photos):
        count, first = len(test.photos), test.photos[0].id
        raise InputError(
            f"of {counted(count, 'photo')} to rank in {test.root}, such as {first}, none has a caption of its own",
            hint="give the caption file in place of the folder, or rank other photos",
        )
    held_out = [(photo, texts[photo.id]) for photo in test.photos if photo.id not in uncaptioned]
    unranked = (Skipped(photo, "no-caption", "cannot be ranked") for photo in sorted(uncaptioned))
    return held_out, [*test.skipped, *unranked]


def note_on_few(settings: VerifySettings, by_chance: BothWays, source: str) -> list[str]:
    """Return a remark on a gallery of too few photos, by its scores in random order, with the number that is needed."""
    hit10 = by_chance.text_to_image.hit10
    if hit10 <= MOST_BY_CHANCE:
        return []
    judged = ", which cannot be judged" if hit10 > 100 - LEAST_GAP else ""
    remedy = "in `test`"
    if source == NAMED:
        remedy = "by a split that the data names, or of faces one of each person, or give others with `test`"
    elif settings.test is None:
        photos = math.ceil(NEEDED / settings.test_fraction)
        remedy = f"which a share of {settings.test_fraction:g} holds out of {photos} photos, or give others with `test`"
    return [
        f"so few photos are held out that a random order has a Hit@10 of {hit10:.0f} %{judged}: "
        f"at least {NEEDED} are needed, {remedy}"
    ]


@dataclass(frozen=True)
class Crowd:
    """Other people's posts."""

    train: Dataset  # which every victim is trained on
    held_out: list[Held]  # in the gallery
    source: str  # where the held-out photos come from, for the report
    people: Mapping[str, Person]  # who is on each photo, by its id, where that is known
    skipped: list[Skipped]


def open_crowd(settings: VerifySettings) -> Crowd | None:
    """Open the crowd and hold photos of it out, under names that none of the protected people has; None without one."""
    if settings.crowd is None:
        return None
    known = names(people_of(open_originals(settings)))
    posts = named_apart(open_others(settings.crowd, settings), known)
    inside = people_of(posts)
    taken = {**known, **names(inside)}
    training, held_out, source, people, unranked = _hold_out(posts, posts.photos, settings.crowd_test, taken, settings)
    people = {**inside, **people}
    if both := sorted(known.keys() & names(people).keys()):
        raise InputError(
            f"{both[0]} is among the protected people and in the crowd {settings.crowd}",
            hint="take their photos out of the crowd",
        )
    if not training or not held_out:
        raise InputError(
            f"{counted(len(training), 'photo')} of the crowd to train on and {len(held_out)} held out are too few",
            hint="use more photos, a larger `test_fraction`, or separate photos with `crowd_test`",
        )
    train = replace(posts.of({posts.photos[n].id for n in training}), skipped=())
    return Crowd(train, held_out, source, people, [*posts.skipped, *unranked])


def apart(crowd: Crowd, posts: Split) -> Crowd:
    """Return the crowd without held-out photos that are near-duplicates of the user's, which would be ranked twice."""
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


def leaked_posts(count: int, share: float, seed: int) -> frozenset[int]:
    """Return the numbers of the posts, of `count`, that leaked clean: at least one, but not all."""
    if count < 2:
        raise InputError(
            f"{count} photo of the protected people to train on is too few: one is to leak, and one not",
            hint="use more photos, or hold fewer out",
        )
    return frozenset(random.Random(seed).sample(range(count), min(max(1, round(share * count)), count - 1)))


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
