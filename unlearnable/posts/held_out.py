"""Which photos of a data set are trained on, and which are held out: as it says itself, or drawn at random."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from unlearnable.posts.types import Photo, Skipped

HELD_OUT = ("test", "val", "valid", "validation", "dev")  # names of splits, of which the first in the data is used


def split(photos: Sequence[Photo], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Return the numbers of the photos to train on and of those held out.

    If the data names splits, "test" is held out, or else a validation split; photos of other
    splits are not used. If not, a random share of the photos is held out.
    """
    names = {photo.split for photo in photos}
    if names & set(HELD_OUT):
        chosen = next(name for name in HELD_OUT if name in names)
        training = [n for n, photo in enumerate(photos) if photo.split in (None, "train")]
        return training, [n for n, photo in enumerate(photos) if photo.split == chosen]
    order = list(range(len(photos)))
    random.Random(seed).shuffle(order)
    count = round(fraction * len(photos))
    return sorted(order[count:]), sorted(order[:count])


def unused(photos: Sequence[Photo], *chosen: Iterable[int]) -> list[Skipped]:
    """Return the photos that are neither trained on nor held out, each with its split as the reason."""
    used = {number for numbers in chosen for number in numbers}
    return [
        Skipped(photo.id, "other-split", f"the data puts it into the split {photo.split!r}")
        for number, photo in enumerate(photos)
        if number not in used
    ]
