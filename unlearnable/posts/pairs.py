"""What a CLIP is trained on and ranked on: photos, and captions that belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from unlearnable.models.tokens import tokenizer
from unlearnable.posts.pixels import Pixels


class Photos(Protocol):
    """Photos by number."""

    def __getitem__(self, photo: int, /) -> Tensor:
        """(3, h, w), whole numbers 0-255."""


@dataclass(frozen=True)
class Joined:
    """The photos of several stores, numbered through."""

    stores: tuple[Pixels, ...]

    def __getitem__(self, photo: int, /) -> Tensor:
        """(3, h, w), whole numbers 0-255."""
        for store in self.stores:
            if photo < len(store):
                return store[photo]
            photo -= len(store)
        raise IndexError(photo)


@dataclass(frozen=True)
class Pairs:
    """Captions with the photo each belongs to.

    Attributes:
        pixels: the photos.
        photos: (n,) the photo of each caption.
        tokens: (n, 77) the captions.
    """

    pixels: Photos
    photos: Tensor
    tokens: Tensor

    def __len__(self) -> int:
        return len(self.photos)


def pairs_of(pixels: Photos, captions: Sequence[Sequence[str]], chosen: Sequence[int] | None = None) -> Pairs:
    """Every caption of every photo as a pair.

    Args:
        pixels: the photos.
        captions: the captions of each photo.
        chosen: the photos to take; all of them where it is not given.
    """
    numbers = range(len(captions)) if chosen is None else chosen
    texts = [(photo, text) for photo in numbers for text in captions[photo]]
    tokens = tokenizer()([text for _, text in texts]) if texts else torch.zeros(0, 77, dtype=torch.long)
    return Pairs(pixels, torch.tensor([photo for photo, _ in texts], dtype=torch.long), tokens)
