"""Which photos `train` trains on and which it ranks: near-duplicates of ranked ones would be known by heart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnable.config import TrainSettings
from unlearnable.datasets import Dataset, Skipped
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


def parts_of(posts: DecodedPosts, datasets: Sequence[Dataset], settings: TrainSettings, progress: Progress) -> Parts:
    """Hold photos out, as the data says or by chance, and leave out near-duplicates and what has no caption to rank by.

    Raises:
        InputError: there is no photo to train on.
    """
    training, held_out = split(posts.photos, settings.test_fraction, settings.seed)
    others = unused(posts.photos, training, held_out)
    paths = [photo.path for photo in posts.photos]
    unranked = _bare(dataset for dataset in datasets if dataset.captioned)  # or else names of folders are captions
    others += [Skipped(posts.photos[n].id, "no-caption", "cannot be ranked") for n in held_out if paths[n] in unranked]
    held_out = [n for n in held_out if paths[n] not in unranked]
    progress.phase("looking for near-duplicates", 1)
    near = {training[n] for n in near_duplicates([paths[n] for n in training], [paths[n] for n in held_out])}
    distinct = [n for n in training if n not in near]
    if not distinct:
        said = "every photo to train on is a near-duplicate of one that is held out" if near else _NONE
        raise InputError(said, hint="use more photos or a smaller --test-fraction, or check the splits")
    bare = _bare(datasets)
    if made := sum(paths[n] in bare for n in distinct):
        have = "photo has" if made == 1 else "photos have"
        progress.note(f"{made} {have} no caption; one made from the name of file or folder is trained on in its place")
    twins = [Skipped(posts.photos[n].id, "near-duplicate", "of a photo that is held out") for n in sorted(near)]
    return Parts(
        pairs_of(posts.pixels, posts.captions, distinct),
        pairs_of(posts.pixels, posts.captions, held_out),
        [*others, *twins],
    )


def _bare(datasets: Iterable[Dataset]) -> set[Path]:
    """Return the photos without a caption; that which is made for one of a data set of faces names somebody."""
    return {dataset.root / photo for dataset in datasets if not dataset.people for photo in dataset.uncaptioned}
