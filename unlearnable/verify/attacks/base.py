"""What an attack is, and the forms it takes: on photos, on captions, or several in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]  # (h, w, 3)


class Attack(Protocol):
    """A change that a scraper makes to photos or captions. Equal input gives equal output."""

    @property
    def name(self) -> str:
        """The name as the user wrote it, "jpeg-75"."""

    def image(self, pixels: Pixels) -> Pixels:
        """Return `pixels` changed, perhaps in another size, or `pixels` itself where all of it stays.

        The argument is not written to.

        Raises:
            InputError: the attack cannot be made on a photo of this size.
        """

    def caption(self, text: str) -> str:
        """Return `text` changed."""


@dataclass(frozen=True)
class PhotoAttack:
    """An attack that leaves captions alone."""

    name: str
    change: Callable[[Pixels], Pixels]

    def image(self, pixels: Pixels) -> Pixels:
        """Return `pixels` changed."""
        return self.change(pixels.copy())  # one of the user's may write to it, and others see these pixels too

    def caption(self, text: str) -> str:
        """Return `text` itself."""
        return text


@dataclass(frozen=True)
class CaptionAttack:
    """An attack that leaves photos alone."""

    name: str
    change: Callable[[str], str]

    def image(self, pixels: Pixels) -> Pixels:
        """Return `pixels` itself."""
        return pixels

    def caption(self, text: str) -> str:
        """Return `text` changed."""
        return self.change(text)


@dataclass(frozen=True)
class AttackChain:
    """Attacks in turn, each on what the one before it left; with no parts, posts stay as they were published."""

    name: str
    parts: tuple[Attack, ...]

    def image(self, pixels: Pixels) -> Pixels:
        """Return `pixels` after all parts."""
        for part in self.parts:
            pixels = part.image(pixels)
        return pixels

    def caption(self, text: str) -> str:
        """Return `text` after all parts."""
        for part in self.parts:
            text = part.caption(text)
        return text


@dataclass(frozen=True)
class AttackFamily:
    """Attacks that differ in a number at most. A row of `ATTACKS`.

    Attributes:
        make: the attack of a name and a number, which is 0 in a family without.
        numbers: the numbers that can be given; empty for a family without.
        usual: the numbers shown to users; where there are none, the bare name is shown.
        default: the number of the bare name; None where one has to be given.
        adaptive: whether the attack is made against this tool, by someone who knows how it protects.
    """

    make: Callable[[str, int], Attack]
    numbers: range = range(0)
    usual: tuple[int, ...] = ()
    default: int | None = None
    adaptive: bool = False

    def names(self, key: str) -> list[str]:
        """Return the names shown to users of the family called `key`: with the usual numbers, or bare."""
        return [f"{key}-{number}" for number in self.usual] or [key]

    def range(self) -> str:
        """Return the numbers that can be given, in words."""
        if self.numbers.step == 1:
            return f"from {self.numbers[0]} to {self.numbers[-1]}"
        return "one of " + ", ".join(map(str, self.numbers))


def on_photos(change: Callable[[Pixels, int], Pixels]) -> Callable[[str, int], PhotoAttack]:
    """Return an `AttackFamily.make` from a function of the pixels and the number."""
    return lambda name, number: PhotoAttack(name, lambda pixels: change(pixels, number))


def on_captions(change: Callable[[str, int], str]) -> Callable[[str, int], CaptionAttack]:
    """Return an `AttackFamily.make` from a function of the text and the number."""
    return lambda name, number: CaptionAttack(name, lambda text: change(text, number))
