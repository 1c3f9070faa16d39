"""Split photos into those to train on and those held out, without near-duplicates of held-out ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.posts import HELD_OUT, Dataset, Person, Photo, Skipped, named_apart, people_of, split, unused
from unlearnable.report import BothWays
from unlearnable.settings import VerifySettings
from unlearnable.storage.progress import Progress
from unlearnable.training.data import OF_FACES, open_collection
from unlearnable.verify.copies import (
    PostPair,
    given_to_protect,
    named_as_published,
    read_both,
    refuse_made_without_captions,
    said_of_originals,
)
from unlearnable.verify.findings import LEAST_GAP
from unlearnable.verify.matching import NOT_PROTECTED, match, open_protected
from unlearnable.wording import counted

Held = tuple[Photo, list[str]]  # a held-out photo with its captions
NAMED = "the split that the data names"  # where held-out photos come from


@dataclass(frozen=True)
class Split:
    """The posts to train on, those to rank, and those left out of both.

    Attributes:
        train: posts to train on.
        held_out: photos to rank with their captions.
        source: where the held-out photos come from, for the report.
        near: ids of training photos dropped as near-duplicates of held-out ones.
        skipped: photos and rows that were left out.
        people: who is on each held-out photo, by its id, where that is known.
        notes: remarks on the copies, for the report.
    """

    train: list[PostPair]
    held_out: list[Held]
    source: str
    near: list[str]
    skipped: list[Skipped]
    people: Mapping[str, Person] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def divide(settings: VerifySettings, progress: Progress, others: Sequence[Held] = ()) -> Split:
    """Pair originals and copies, hold photos out, and drop near-duplicates of held-out photos, those of others too.

    Raises:
        InputError: originals and copies do not match, or nothing is left to train on or to rank.
    """
    originals = open_originals(settings)
    copies, captions = settings.copies, settings.protected if settings.protected.is_file() else None
    if captions is None:
        refuse_made_without_captions(originals, copies)
    protected = open_protected(copies, originals, captions)
    posts, skipped = match(originals, protected)
    notes = [*originals.notes, *said_of_originals(posts, copies), *_unprotected_note(skipped)]
    for line in notes:
        progress.note(line)
    skipped += [*originals.skipped, *protected.skipped]
    people = people_of(originals)
    if settings.test is not None:
        test = named_apart(open_others(settings.test, settings), names(people))
        held_out, unranked = captioned(test)
        known, people = people, people_of(test)
        _refuse_strangers(known, people, settings)
        train, source = posts, f"the folder {settings.test.name}"
    else:
        photos = [post.original for post in posts]
        training, testing = split(photos, settings.test_fraction, settings.seed)
        skipped += unused(photos, training, testing)
        chosen = {photos[n].id for n in testing}
        held_out, unranked = captioned(part(originals, chosen)) if chosen else ([], [])
        train, source = [posts[n] for n in training], where_from(photos, settings)
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


def _unprotected_note(skipped: Sequence[Skipped]) -> list[str]:
    bare = [one.where for one in skipped if one.reason == NOT_PROTECTED]
    if not bare:
        return []
    have = "photo has" if len(bare) == 1 else "photos have"
    return [f"{len(bare)} new {have} no protected copy, such as {bare[0]}: protect with `add=True` makes one"]


def open_originals(settings: VerifySettings) -> Dataset:
    """Open the originals that the run was given, faces under the names that it published."""
    opened = open_collection(settings.originals, settings.captions)
    return named_as_published(given_to_protect(opened, settings.copies), settings.copies)


def open_others(given: Path, settings: VerifySettings) -> Dataset:
    """Open photos beside the originals: of faces where those are and the folder has no captions."""
    found = open_collection(given, None)
    of_people = settings.captions in OF_FACES and given.is_dir() and not (found.captioned or found.people)
    return open_collection(given, settings.captions) if of_people else found


def _refuse_strangers(known: Mapping[str, Person], shown: Mapping[str, Person], settings: VerifySettings) -> None:
    """Refuse photos to rank that show none of the people of the posts: figures would be of people whom nobody learnt.

    Raises:
        InputError: it is so.
    """
    ours, theirs = names(known), names(shown)
    same = ours.keys() & theirs.keys() or {*ours.values()} & {*theirs.values()}  # another spelling of a folder
    if ours and theirs and not same:
        stranger, someone = min(theirs), min(ours)
        raise InputError(
            f"nobody in {settings.originals}, such as {someone}, is on the photos to rank in {settings.test}, "
            f"such as {stranger}",
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


def part(dataset: Dataset, chosen: Collection[str]) -> Dataset:
    """Return some photos of a data set, by id, with their captions and without what was left out of it."""
    return replace(dataset.of(chosen), skipped=())


def captioned(test: Dataset) -> tuple[list[Held], list[Skipped]]:
    """Return the photos of a test set with their captions, and those skipped for want of a caption.

    Raises:
        InputError: no photo has a caption of its own.
    """
    texts, uncaptioned = test.captions_by_photo(), set[str]() if test.people else test.uncaptioned
    if len(uncaptioned) == len(test.photos):
        count, first = len(test.photos), test.photos[0].id
        raise InputError(
            f"of {counted(count, 'photo')} to rank in {test.root}, such as {first}, none has a caption of its own",
            hint="give the caption file in place of the folder, or rank other photos",
        )
    held_out = [(photo, texts[photo.id]) for photo in test.photos if photo.id not in uncaptioned]
    unranked = (Skipped(photo, "no-caption", "cannot be ranked") for photo in sorted(uncaptioned))
    return held_out, [*test.skipped, *unranked]


def where_from(photos: Iterable[Photo], settings: VerifySettings) -> str:
    """Return where the photos that are held out of these come from, for the report."""
    if any(photo.split in HELD_OUT for photo in photos):
        return NAMED
    return f"{100 * settings.test_fraction:.0f} % of the photos, drawn with seed {settings.seed}"


MOST_BY_CHANCE = 50.0  # Hit@10 of a random order, in per cent
NEEDED = 20  # photos in the gallery: a random order has a Hit@10 of 50 there


def too_few(settings: VerifySettings, random: BothWays, source: str) -> str:
    """Return a line on a gallery of too few photos, with the number that is needed; empty where there are enough.

    Args:
        settings: say how photos are held out.
        random: scores of the gallery in random order.
        source: where the held-out photos come from.
    """
    by_chance = random.text_to_image.hit10
    if by_chance <= MOST_BY_CHANCE:
        return ""
    judged = ", which cannot be judged" if by_chance > 100 - LEAST_GAP else ""
    remedy = "in `test`"
    if source == NAMED:
        remedy = "by a split that the data names, or of faces one of each person, or give others with `test`"
    elif settings.test is None:
        photos = math.ceil(NEEDED / settings.test_fraction)
        remedy = f"which a share of {settings.test_fraction:g} holds out of {photos} photos, or give others with `test`"
    return (
        f"so few photos are held out that a random order has a Hit@10 of {by_chance:.0f} %{judged}: "
        f"at least {NEEDED} are needed, {remedy}"
    )
