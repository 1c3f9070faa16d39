"""What a cell trains on beside a crowd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.protections import Scraped
from unlearnable.posts.pairs import Pairs, pairs_of
from unlearnable.posts.pixels import Pixels


@dataclass(frozen=True)
class Placed:
    """The photos of a data set, some of them as they were published.

    Attributes:
        clean: all photos.
        published: the published photos of the people of a draw; None if there are none.
        place: number in the data set -> number in `published`, of the photos that are taken from there.
    """

    clean: Pixels
    published: Scraped | None
    place: Mapping[int, int]

    def __getitem__(self, photo: int, /) -> Tensor:
        """Return the pixels (3, h, w) of a photo, whole numbers 0-255."""
        if self.published is not None and photo in self.place:
            return self.published[self.place[photo]]
        return self.clean[photo]


@dataclass(frozen=True)
class BesideCrowd:
    """The posts that a cell trains on: the crowd's clean ones, and those of the people of a draw as the arm has them.

    Attributes:
        train: clean photos and captions of everyone.
        photos: the photos, those of the draw as they were published.
        captions: published captions by number of the photo.
        absent: numbers of the photos that are not trained on.
    """

    train: DecodedPhotos
    photos: Placed
    captions: Mapping[int, list[str]]
    absent: frozenset[int]

    def pairs(self) -> Pairs:
        """Return the photos and captions to train on."""
        captions = [self.captions.get(n, list(item.captions)) for n, item in enumerate(self.train.items)]
        return pairs_of(self.photos, captions, [n for n in range(len(captions)) if n not in self.absent])
