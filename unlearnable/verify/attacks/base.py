"""What an attack is: changes of photos or captions; and families of attacks, which differ in a number at most."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from unlearnable.registry import Row

Pixels: TypeAlias = NDArray[np.uint8]  # (h, w, 3)


@dataclass(frozen=True)
class Attack:
    """What a scraper does to photos or captions, one change after the other. Equal input gives equal output."""

    name: str  # as the user wrote it, "jpeg-75"
    photo_changes: tuple[Callable[[Pixels], Pixels], ...] = ()
    caption_changes: tuple[Callable[[str], str], ...] = ()

    def image(self, pixels: Pixels) -> Pixels:
        """Return `pixels` changed, perhaps in another size; `pixels` itself where nothing changes photos."""
        for change in self.photo_changes:
            pixels = change(pixels.copy())  # a user's own may write to it, and other attacks see these pixels too
        return pixels

    def caption(self, text: str) -> str:
        """Return `text` changed."""
        for change in self.caption_changes:
            text = change(text)
        return text


@dataclass(frozen=True)
class AttackFamily:
    """Attacks that differ in a number at most. A row of `ATTACKS`."""

    make: Callable[[str, int], Attack]  # of a name and a number, which is 0 in a family without
    numbers: range = range(0)  # that can be given; empty for a family without
    usual: tuple[int, ...] = ()  # numbers shown to users; where there are none, the bare name is shown
    default: int | None = None  # number of the bare name; None where one has to be given
    adaptive: bool = False  # made against this tool, by someone who knows how it protects

    def names(self, key: str) -> list[str]:
        """Return the names shown to users of the family called `key`: with the usual numbers, or bare."""
        return [f"{key}-{number}" for number in self.usual] or [key]

    def range(self) -> str:
        """Return the numbers that can be given, in words."""
        if self.numbers.step == 1:
            return f"from {self.numbers[0]} to {self.numbers[-1]}"
        return "one of " + ", ".join(map(str, self.numbers))


def on_photos(change: Callable[[Pixels, int], Pixels]) -> Callable[[str, int], Attack]:
    """Return an `AttackFamily.make` from a function of the pixels and the number."""
    return lambda name, number: Attack(name, photo_changes=(lambda pixels: change(pixels, number),))


def on_captions(change: Callable[[str, int], str]) -> Callable[[str, int], Attack]:
    """Return an `AttackFamily.make` from a function of the text and the number."""
    return lambda name, number: Attack(name, caption_changes=(lambda text: change(text, number),))


Change = TypeVar("Change", bound=Callable[..., Any])
FAMILIES: dict[str, Row] = {}  # of this package


def family(
    on: Callable[[Change], Callable[[str, int], Attack]],
    numbers: range = range(0),
    usual: tuple[int, ...] = (),
    default: int | None = None,
    *,
    adaptive: bool = False,
) -> Callable[[Change], Change]:
    """Add a function as a family of attacks, which has its name, and its docstring as a summary."""

    def add(change: Change) -> Change:
        row = Row(AttackFamily(on(change), numbers, usual, default, adaptive), change.__doc__ or "")
        FAMILIES[change.__name__.replace("_", "-")] = row
        return change

    return add
