"""Photos with the captions that belong to them, for training and ranking a CLIP."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from unlearnable.models.tokens import tokenizer
from unlearnable.training.pixels import Pixels


class Photos(Protocol):
    """Photos by number."""

    def __getitem__(self, photo: int, /) -> Tensor:
        """Return the pixels (3, h, w) of a photo, whole numbers 0-255."""


@dataclass(frozen=True)
class Mixed:
    """The photos of two stores of the same posts.

    Attributes:
        most: the photos, but for the chosen ones.
        few: the photos of which the chosen ones are taken.
        chosen: numbers of the photos that are taken from `few`.
    """

    most: Pixels
    few: Pixels
    chosen: frozenset[int]

    def __len__(self) -> int:
        return len(self.most)

    def __getitem__(self, photo: int, /) -> Tensor:
        """Return the pixels (3, h, w) of a photo, whole numbers 0-255."""
        return (self.few if photo in self.chosen else self.most)[photo]

    def sha256(self) -> str:
        """Return a hex SHA-256 that the sizes and pixels of all photos decide."""
        parts = f"{self.most.sha256()} {self.few.sha256()} {sorted(self.chosen)}"
        return hashlib.sha256(parts.encode()).hexdigest()


@dataclass(frozen=True)
class Joined:
    """The photos of several stores, numbered consecutively."""

    stores: tuple[Pixels | Mixed, ...]

    def __getitem__(self, photo: int, /) -> Tensor:
        """Return the pixels (3, h, w) of a photo, whole numbers 0-255."""
        for store in self.stores:
            if photo < len(store):
                return store[photo]
            photo -= len(store)
        raise IndexError(photo)


@dataclass(frozen=True)
class Pairs:
    """Captions with the photo that each belongs to.

    Attributes:
        pixels: pixels of the photos.
        photos: (n,) number of each caption's photo.
        tokens: (n, 77) token ids of the captions.
    """

    pixels: Photos
    photos: Tensor
    tokens: Tensor

    def __len__(self) -> int:
        return len(self.photos)


def pairs_of(pixels: Photos, captions: Sequence[Sequence[str]], chosen: Sequence[int] | None = None) -> Pairs:
    """Return every caption of every photo as a pair, but for empty ones.

    Args:
        pixels: pixels of the photos.
        captions: captions of each photo.
        chosen: numbers of the photos to use; by default all.
    """
    numbers = range(len(captions)) if chosen is None else chosen
    texts = [(photo, text) for photo in numbers for text in captions[photo] if text]
    tokens = tokenizer()([text for _, text in texts]) if texts else torch.zeros(0, 77, dtype=torch.long)
    return Pairs(pixels, torch.tensor([photo for photo, _ in texts], dtype=torch.long), tokens)
