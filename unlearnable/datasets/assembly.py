"""A `Dataset` made of what a reader found: in order, with a caption on every photo and a fingerprint over it all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from unlearnable.datasets.tree import find_photos, template_caption
from unlearnable.datasets.types import NO_RECORD, Dataset, Pair, Photo, Skipped


def assemble(
    root: Path,
    splits: Mapping[str, str | None],
    pairs: Sequence[Pair],
    skipped: Iterable[Skipped],
    format: str,
    source: Path | None,
) -> Dataset:
    """Make a data set; a photo without a pair gets one from the template.

    Args:
        root: the folder that ids are relative to.
        splits: id -> split of each photo.
        pairs: the captions, in the order of the caption file.
        skipped: what was left out.
        format: the registry name of the reader.
        source: the caption file, if there is one.
    """
    photos = tuple(Photo(photo, root / photo, splits[photo]) for photo in sorted(splits))
    told = {pair.photo for pair in pairs}
    untold = [Pair(photo.id, template_caption(photo.id), NO_RECORD) for photo in photos if photo.id not in told]
    every = (*pairs, *untold)
    name = root.resolve().name
    return Dataset(name, root, photos, every, tuple(skipped), format, source, _fingerprint(photos, every))


def with_unnamed(dataset: Dataset) -> Dataset:
    """The same data set with the photos of its folder that its captions do not name."""
    splits = dict.fromkeys(find_photos(dataset.root)) | {photo.id: photo.split for photo in dataset.photos}
    return assemble(dataset.root, splits, dataset.pairs, dataset.skipped, dataset.format, dataset.source)


def _fingerprint(photos: Iterable[Photo], pairs: Iterable[Pair]) -> str:
    digest = hashlib.sha256()
    for photo in photos:
        digest.update(repr((photo.id, photo.path.stat().st_size)).encode())
    for pair in pairs:
        digest.update(repr((pair.photo, pair.caption, pair.record, pair.index)).encode())
    return digest.hexdigest()
