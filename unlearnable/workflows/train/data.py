"""What `train` trains on and what it ranks: each photo once, held out or trained on, and no near-duplicates of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable.config import TrainSettings
from unlearnable.datasets import Dataset, Pair, Photo, Skipped
from unlearnable.datasets.held_out import HELD_OUT, split, unused
from unlearnable.errors import InputError
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.posts.pairs import Pairs, pairs_of
from unlearnable.posts.reading import DecodedPosts
from unlearnable.progress.reporting import Progress


def joined(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Return the data sets with each photo once, by its content: in the first that has it, with the captions of all.

    Captions that were made up go where there are others. A photo that one of them puts into a held-out split is in it.
    """
    same: dict[str, list[tuple[int, Photo]]] = {}  # photos of one content, each with the number of its data set
    for number, dataset in enumerate(datasets):
        for photo in dataset.photos:
            same.setdefault(photo.sha256() or str(photo.path), []).append((number, photo))
    if all(len(group) == 1 for group in same.values()):
        return list(datasets)
    told = [dataset.pairs_by_photo() for dataset in datasets]
    made = [set() if dataset.people else dataset.uncaptioned for dataset in datasets]  # those of faces name somebody
    photos: list[list[Photo]] = [[] for _ in datasets]
    pairs: list[list[Pair]] = [[] for _ in datasets]
    for group in same.values():
        number, first = group[0]
        photos[number].append(replace(first, split=_split(photo.split for _, photo in group)))
        own = [pair for one, photo in group if photo.id not in made[one] for pair in told[one][photo.id]]
        distinct = {pair.caption: replace(pair, photo=first.id) for pair in own or told[number][first.id]}
        pairs[number] += distinct.values()
    return [
        replace(dataset, photos=tuple(kept), pairs=tuple(captions))
        for dataset, kept, captions in zip(datasets, photos, pairs, strict=True)
    ]


def _split(names: Iterable[str | None]) -> str | None:
    """Return the split that counts: one that is held out before others, or else the first."""
    return min(names, key=lambda name: HELD_OUT.index(name) if name in HELD_OUT else len(HELD_OUT))


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
    unranked = _bare(datasets)
    others += [Skipped(posts.photos[n].id, "no-caption", "cannot be ranked") for n in held_out if paths[n] in unranked]
    held_out = [n for n in held_out if paths[n] not in unranked]
    progress.phase("looking for near-duplicates", 1)
    near = {training[n] for n in near_duplicates([paths[n] for n in training], [paths[n] for n in held_out])}
    distinct = [n for n in training if n not in near]
    if not distinct:
        said = "every photo to train on is a near-duplicate of one that is held out" if near else _NONE
        raise InputError(said, hint="use more photos or a smaller --test-fraction, or check the splits")
    others += [
        Skipped(posts.photos[n].id, "no-caption", "cannot be trained on") for n in distinct if paths[n] in unranked
    ]
    distinct = [n for n in distinct if paths[n] not in unranked]
    if not distinct:
        raise InputError("no photo to train on has a caption", hint="give the captions with --captions")
    twins = [Skipped(posts.photos[n].id, "near-duplicate", "of a photo that is held out") for n in sorted(near)]
    return Parts(
        pairs_of(posts.pixels, posts.captions, distinct),
        pairs_of(posts.pixels, posts.captions, held_out),
        [*others, *twins],
    )


def _bare(datasets: Iterable[Dataset]) -> set[Path]:
    """Return the photos without a caption; that which is made for one of a data set of faces names somebody."""
    return {dataset.root / photo for dataset in datasets if not dataset.people for photo in dataset.uncaptioned}
