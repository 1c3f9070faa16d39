"""The interface of an arm: one version of the posts, which a victim is trained on."""

from __future__ import annotations

import random
from typing import Protocol

from unlearnable.errors import InputError
from unlearnable.posts.pairs import Pairs


class Arm(Protocol):
    """One version of the training posts, such as the protected ones after a scraper's JPEG."""

    def pairs(self) -> Pairs:
        """Return the photos and captions to train on."""


def leaked_posts(count: int, share: float, seed: int) -> frozenset[int]:
    """Return the numbers of the posts, of `count`, that leaked before they were protected: at least one, but not all.

    Raises:
        InputError: there are fewer than two posts.
    """
    if count < 2:
        raise InputError(
            f"{count} photo of the protected people to train on is too few: one is to leak, and one not",
            hint="use more photos, or hold fewer out",
        )
    return frozenset(random.Random(seed).sample(range(count), min(max(1, round(share * count)), count - 1)))
