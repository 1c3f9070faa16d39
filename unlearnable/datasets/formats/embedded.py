"""Descriptions in the photos themselves, as Lightroom, Apple Photos and digiKam export them: XMP, IPTC, EXIF, PNG.

Copies have none of them, but with `--keep-metadata all`: the new captions stand in metadata.jsonl alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.text.descriptions import tells, words_of
from unlearnable.datasets.tree import find_photos
from unlearnable.datasets.types import UNWRITTEN, Dataset, Edits, Pair
from unlearnable.imaging.xmp import parse


class Embedded:
    """Photos of a folder that have their captions in their own metadata; there is no caption file to write back."""

    name = "embedded"

    def sniff(self, source: Path) -> bool:
        """Return False: agencies and programs write descriptions, so only `--captions embedded` reads them."""
        return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root`; each is a record.

        Raises:
            InputError: there is no photo.
        """
        return self.of(root, find_photos(root))

    def of(self, root: Path, photos: Iterable[str]) -> Dataset:
        """Return the data set of photos, by id."""
        pairs = [
            Pair(photo, caption, UNWRITTEN - number, index)
            for number, photo in enumerate(photos)
            for index, caption in enumerate(captions_in(root / photo))
        ]
        return assemble(root, dict.fromkeys(photos), pairs, (), self.name, None)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: the captions are in photos, which are published without them."""


def captions_in(photo: Path) -> list[str]:
    """Return the captions in a photo: what its XMP says, and of its other descriptions what is not in those before."""
    from unlearnable.imaging.descriptions import described

    found = described(photo)
    document = parse(found.xmp) if found.xmp else None
    captions = words_of(document) if document else []
    for text in filter(tells, found.others):  # of a long one IPTC has the beginning
        if not any(_plain(caption).startswith(_plain(text)) for caption in captions):
            captions.append(text)
    return captions


def _plain(text: str) -> str:
    return " ".join(text.split())


EMBEDDED = Embedded()
