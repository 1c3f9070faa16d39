"""What is trained on and what is held out, photo by photo, and nothing that all but equals a held-out photo."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from unlearnable.config import VerifySettings
from unlearnable.datasets import Photo, Skipped
from unlearnable.errors import InputError
from unlearnable.progress import Progress
from unlearnable.workflows.duplicates import near_duplicates
from unlearnable.workflows.matching import Post, match, open_protected
from unlearnable.workflows.reading import open_collection, texts_of

HELD_OUT = ("test", "val", "valid", "validation", "dev")  # names of splits, the first that is there counts


@dataclass(frozen=True)
class Split:
    """What is trained on, what is ranked, and what was left out of both."""

    train: list[Post]
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
    if settings.test is not None:
        test = open_collection(settings.test, settings.test_captions)
        texts = texts_of(test)
        held_out = [(photo, texts[photo.id]) for photo in test.photos]
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
    near = set(near_duplicates([p.original.path for p in train], [photo.path for photo, _ in held_out]))
    names = [train[n].original.id for n in sorted(near)]
    train = [post for n, post in enumerate(train) if n not in near]
    if not train:
        raise InputError("every training photo all but equals a held-out one", hint="give other photos with --test")
    return Split(train, held_out, source, names, skipped)


def _source(posts: Sequence[Post], settings: VerifySettings) -> str:
    if any(post.original.split for post in posts):
        return "the split that the data names"
    return f"{100 * settings.test_fraction:.0f} % of the photos, drawn with seed {settings.seed}"
