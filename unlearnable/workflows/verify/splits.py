"""What is trained on and what is held out, photo by photo, and nothing that all but equals a held-out photo."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from unlearnable.config import VerifySettings
from unlearnable.datasets import Dataset, Photo, Skipped
from unlearnable.errors import InputError
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.posts.reading import open_collection
from unlearnable.progress import Progress
from unlearnable.workflows.verify.matching import PostPair, match, open_protected, read_both

HELD_OUT = ("test", "val", "valid", "validation", "dev")  # names of splits, the first that is there counts


@dataclass(frozen=True)
class Split:
    """What is trained on, what is ranked, and what was left out of both."""

    train: list[PostPair]
    held_out: list[tuple[Photo, list[str]]]
    source: str
    near: list[str]
    skipped: list[Skipped]


def split(photos: Sequence[Photo], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Numbers of the photos to train on and of those held out.

    Where the data names splits they count: "test" is held out, without one a validation split
    is; other splits are left alone. Otherwise a share of the photos is drawn.
    """
    named = {photo.split for photo in photos}
    if named & set(HELD_OUT):
        chosen = next(name for name in HELD_OUT if name in named)
        kept = [n for n, photo in enumerate(photos) if photo.split in (None, "train")]
        return kept, [n for n, photo in enumerate(photos) if photo.split == chosen]
    order = list(range(len(photos)))
    random.Random(seed).shuffle(order)
    count = round(fraction * len(photos))
    return sorted(order[count:]), sorted(order[:count])


def divide(settings: VerifySettings, progress: Progress) -> Split:
    """Pair originals and copies, hold photos out, and drop what all but equals a held-out photo.

    Raises:
        InputError: they do not belong together, or nothing is left to train on or to rank.
    """
    originals = open_collection(settings.originals, settings.captions)
    protected = open_protected(settings.protected, originals, settings.protected_captions)
    posts, skipped = match(originals, protected)
    skipped += [*originals.skipped, *protected.skipped]
    if settings.test is not None:
        held_out, without = _gallery(open_collection(settings.test, settings.test_captions))
        skipped += without
        train, source = posts, f"the folder {settings.test.name}"
    else:
        kept, out = split([post.original for post in posts], settings.test_fraction, settings.seed)
        held_out = [(posts[n].original, list(posts[n].clean)) for n in out]
        train, source = [posts[n] for n in kept], _source(posts, settings)
    if not train or len(held_out) < 2:
        raise InputError(
            f"{len(train)} photos to train on and {len(held_out)} held out are too few",
            hint="give more photos, a larger --test-fraction, or photos of their own with --test",
        )
    progress.phase("looking for near-duplicates", 1)
    gallery = [photo.path for photo, _ in held_out]
    near = set(near_duplicates([post.original.path for post in train], gallery))
    kept_posts = [post for n, post in enumerate(train) if n not in near]
    if not kept_posts:
        raise InputError("every training photo all but equals a held-out one", hint="give other photos with --test")
    chosen = {post.original.id for post in kept_posts}
    for post in posts:
        if post.original.id not in chosen:
            read_both(post)  # whether a damaged copy is found must not hang on the split
    return Split(kept_posts, held_out, source, [train[n].original.id for n in sorted(near)], skipped)


def without_near(dataset: Dataset, held_out: Sequence[tuple[Photo, list[str]]]) -> tuple[Dataset, list[str]]:
    """A data set without the photos that all but equal a held-out one, and where those lie."""
    near = near_duplicates([photo.path for photo in dataset.photos], [photo.path for photo, _ in held_out])
    dropped = {dataset.photos[n].id for n in near}
    photos = tuple(photo for photo in dataset.photos if photo.id not in dropped)
    return replace(dataset, photos=photos), [f"{dataset.name}/{name}" for name in sorted(dropped)]


def _gallery(test: Dataset) -> tuple[list[tuple[Photo, list[str]]], list[Skipped]]:
    """The photos of a folder of their own with their captions, and those that have none beside others that have.

    Raises:
        InputError: not one has a caption of its own.
    """
    texts, uncaptioned = test.captions_by_photo(), test.uncaptioned
    if len(uncaptioned) == len(test.photos):
        if len({text for captions in texts.values() for text in captions}) == 1:
            raise InputError(f"no photo in {test.root} has a caption to be found by", hint="give --test-captions")
        uncaptioned = set()  # the template names their folders or, in `people`, the person
    held_out = [(photo, texts[photo.id]) for photo in test.photos if photo.id not in uncaptioned]
    unranked = (Skipped(photo, "no-caption", "it cannot be ranked") for photo in sorted(uncaptioned))
    return held_out, [*test.skipped, *unranked]


def _source(posts: Sequence[PostPair], settings: VerifySettings) -> str:
    if any(post.original.split in HELD_OUT for post in posts):
        return "the split that the data names"
    return f"{100 * settings.test_fraction:.0f} % of the photos, drawn with seed {settings.seed}"
