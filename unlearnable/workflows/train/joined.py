"""A photo that is given several times is one photo, which is held out or trained on, with all of its captions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from unlearnable.datasets import Dataset, Pair, Photo
from unlearnable.datasets.held_out import HELD_OUT


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
