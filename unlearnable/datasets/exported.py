"""What the exports in a folder say of its photos where the captions come from a file of the user's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unlearnable.datasets.assembly import WITHHELD, with_unnamed, with_unnamed_counted
from unlearnable.datasets.export import Export
from unlearnable.datasets.formats import FORMATS
from unlearnable.datasets.formats.flickr_export import FLICKR_EXPORT
from unlearnable.datasets.formats.takeout import TAKEOUT
from unlearnable.datasets.types import Dataset, Skipped
from unlearnable.errors import InputError


def with_publishable(dataset: Dataset) -> Dataset:
    """Return the data set together with the photos of its folder that its captions do not name.

    Left out is what the exports in the folder do not publish: what lies in the trash of Google Photos or is private on
    Flickr, even if a caption names it, and what neither a caption nor a post names, such as the photos of messages.
    """
    root = dataset.root
    for export in (TAKEOUT, FLICKR_EXPORT):
        if export.sniff(root):
            dataset = _without(dataset, [skip for skip in export.read(root, root).skipped if skip.reason == WITHHELD])
    exports = [one for one in map(FORMATS.__getitem__, FORMATS.own) if isinstance(one, Export) and one.sniff(root)]
    if not exports:
        return with_unnamed(dataset)
    posted = {photo for one in exports for photo in _posted(one, root)}
    return with_unnamed_counted(with_unnamed(dataset, posted))


def _posted(export: Export, root: Path) -> list[str]:
    try:
        return [photo.id for photo in export.read(root, root).photos]
    except InputError:  # it cannot be read, or names no photo that is there
        return []


def _without(dataset: Dataset, withheld: list[Skipped]) -> Dataset:
    gone = {skip.where for skip in withheld}
    return replace(
        dataset,
        photos=tuple(photo for photo in dataset.photos if photo.id not in gone),
        pairs=tuple(pair for pair in dataset.pairs if pair.photo not in gone),
        skipped=(*dataset.skipped, *withheld),
        changed_fields=frozenset(one for one in dataset.changed_fields if one.photo not in gone),
    )
