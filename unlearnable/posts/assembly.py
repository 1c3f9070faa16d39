"""Assemble what a reader found into a `Dataset`: in order, the posts in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from unlearnable.posts.tree import WITHHELD, find_photos
from unlearnable.posts.types import NO_RECORD, Dataset, Pair, Photo, Skipped
from unlearnable.wording import it_and_others

IN_NO_POST = "in-no-post"  # of photos of an export, such as those of messages


def assemble(
    root: Path,
    splits: Mapping[str, str | None],
    pairs: Sequence[Pair],
    skipped: Iterable[Skipped],
    format: str,
    source: Path | None,
) -> Dataset:
    """Return a data set in which a photo without a pair has an empty caption.

    Args:
        root: folder that ids are relative to.
        splits: id -> split of each photo.
        pairs: captions, in the order of the caption file.
        skipped: rows and photos that were left out.
        format: registry name of the reader.
        source: the caption file, if there is one.
    """
    photos = tuple(Photo(photo, root / photo, splits[photo]) for photo in sorted(splits))
    captioned = {pair.photo for pair in pairs}
    uncaptioned = (photo.id for photo in photos if photo.id not in captioned)
    all_pairs = (*pairs, *(Pair(photo, "", NO_RECORD) for photo in uncaptioned))
    return Dataset(root.resolve().name, root, photos, all_pairs, tuple(skipped), format, source)


def restrict(dataset: Dataset, chosen: Iterable[str]) -> Dataset:
    """Return the data set of some photos of its folder, by id, without what was left out of the others."""
    splits: dict[str, str | None] = dict.fromkeys(chosen)
    splits |= {photo.id: photo.split for photo in dataset.photos if photo.id in splits}
    kept = dataset.of(splits)
    whole = assemble(dataset.root, splits, kept.pairs, (), dataset.format, dataset.source)
    people = {photo: who for photo, who in dataset.people.items() if photo in splits}
    return replace(kept, photos=whole.photos, pairs=whole.pairs, skipped=(), people=people, partial=True)


def with_unnamed(dataset: Dataset, photos: Iterable[str] | None = None) -> Dataset:
    """Return the data set together with photos (all of its folder) that its captions do not name nor withhold."""
    withheld = {skip.where for skip in dataset.skipped if skip.reason == WITHHELD}
    found = find_photos(dataset.root) if photos is None else photos
    unnamed = (photo for photo in found if photo not in withheld)
    splits = dict.fromkeys(unnamed) | {photo.id: photo.split for photo in dataset.photos}
    whole = assemble(dataset.root, splits, dataset.pairs, dataset.skipped, dataset.format, dataset.source)
    return replace(dataset, photos=whole.photos, pairs=whole.pairs)


def with_unnamed_counted(dataset: Dataset) -> Dataset:
    """Return the data set with a note on the photos of its folder that no post names, such as those of messages."""
    unnamed = sorted(set(find_photos(dataset.root)) - {photo.id for photo in dataset.photos})
    if not unnamed:
        return dataset
    which = it_and_others(len(unnamed), "belongs to no post that was read", "belong to no post that was read")
    return dataset.lacking([Skipped(unnamed[0], IN_NO_POST, which)])
