"""Which photos `train` trains on and which it ranks: near-duplicates of ranked ones would be known by heart."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnable.config import TrainSettings
from unlearnable.datasets import Skipped
from unlearnable.datasets.held_out import split, unused
from unlearnable.errors import InputError
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.posts.pairs import Pairs, pairs_of
from unlearnable.posts.reading import DecodedPosts
from unlearnable.progress.reporting import Progress

_NONE = "there is no photo to train on"


@dataclass(frozen=True)
class Parts:
    """The pairs of the photos that are trained on and of those that are ranked, and photos that are neither."""

    train: Pairs
    held_out: Pairs
    skipped: list[Skipped]


def parts_of(posts: DecodedPosts, settings: TrainSettings, progress: Progress) -> Parts:
    """Hold photos out, as the data says or by chance, and leave out near-duplicates of them.

    Raises:
        InputError: there is no photo to train on.
    """
    training, held_out = split(posts.photos, settings.test_fraction, settings.seed)
    progress.phase("looking for near-duplicates", 1)
    paths = [photo.path for photo in posts.photos]
    near = {training[n] for n in near_duplicates([paths[n] for n in training], [paths[n] for n in held_out])}
    distinct = [n for n in training if n not in near]
    if not distinct:
        said = "every photo to train on is a near-duplicate of one that is held out" if near else _NONE
        raise InputError(said, hint="use more photos or a smaller --test-fraction, or check the splits")
    twins = [Skipped(posts.photos[n].id, "near-duplicate", "of a photo that is held out") for n in sorted(near)]
    return Parts(
        pairs_of(posts.pixels, posts.captions, distinct),
        pairs_of(posts.pixels, posts.captions, held_out),
        [*unused(posts.photos, training, held_out), *twins],
    )
