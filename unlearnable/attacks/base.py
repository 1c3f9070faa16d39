"""What every countermeasure offers, and the three forms it takes: on photos, on captions, or several in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]  # (h, w, 3)


class Countermeasure(Protocol):
    """A change to photos or captions. Equal input gives equal output."""

    @property
    def name(self) -> str:
        """As the user wrote it, "jpeg-75"."""

    def image(self, pixels: Pixels) -> Pixels:
        """`pixels` changed, maybe in another size. The argument is left as it was; it is returned where all is kept.

        Raises:
            InputError: a photo of this size cannot be treated so.
        """

    def caption(self, text: str) -> str:
        """`text` changed."""


@dataclass(frozen=True)
class OnPhotos:
    """A countermeasure that leaves captions alone."""

    name: str
    change: Callable[[Pixels], Pixels]

    def image(self, pixels: Pixels) -> Pixels:
        """`pixels` changed."""
        return self.change(pixels)

    def caption(self, text: str) -> str:
        """`text` itself."""
        return text


@dataclass(frozen=True)
class OnCaptions:
    """A countermeasure that leaves photos alone."""

    name: str
    change: Callable[[str], str]

    def image(self, pixels: Pixels) -> Pixels:
        """`pixels` itself."""
        return pixels

    def caption(self, text: str) -> str:
        """`text` changed."""
        return self.change(text)


@dataclass(frozen=True)
class Chain:
    """Several countermeasures, each on what the one before it left."""

    name: str
    parts: tuple[Countermeasure, ...]

    def image(self, pixels: Pixels) -> Pixels:
        """`pixels` through all parts."""
        for part in self.parts:
            pixels = part.image(pixels)
        return pixels

    def caption(self, text: str) -> str:
        """`text` through all parts."""
        for part in self.parts:
            text = part.caption(text)
        return text


@dataclass(frozen=True)
class Family:
    """Countermeasures that differ in a number at most. A row of `COUNTERMEASURES`.

    Attributes:
        make: the countermeasure of a name and a number.
        numbers: the ones it takes; empty for a family without.
        usual: the ones shown to users; where there are none, the bare name is shown.
        default: the number of the bare name, 0 for a family without; None where one has to be given.
    """

    make: Callable[[str, int], Countermeasure]
    numbers: range = range(0)
    usual: tuple[int, ...] = ()
    default: int | None = None

    def names(self, key: str) -> list[str]:
        """The names shown to users of the family called `key`: with the usual numbers, or bare."""
        return [f"{key}-{number}" for number in self.usual] or [key]

    def range(self) -> str:
        """The numbers it takes, in words."""
        if self.numbers.step == 1:
            return f"from {self.numbers[0]} to {self.numbers[-1]}"
        return "one of " + ", ".join(map(str, self.numbers))


def photos(change: Callable[[Pixels, int], Pixels]) -> Callable[[str, int], OnPhotos]:
    """A `Family.make` from a function of the pixels and the number."""
    return lambda name, number: OnPhotos(name, lambda pixels: change(pixels, number))


def captions(change: Callable[[str, int], str]) -> Callable[[str, int], OnCaptions]:
    """A `Family.make` from a function of the text and the number."""
    return lambda name, number: OnCaptions(name, lambda text: change(text, number))
