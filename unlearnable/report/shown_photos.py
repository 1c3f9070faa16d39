"""Which photos a page shows: so many, evenly spread, that the page stays small enough to open on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from unlearnable.report.pictures import Thumbnails

SHOWN = 48
BYTES = 4_000_000  # of all thumbnails of a page
Item = TypeVar("Item")


def spread(items: Sequence[Item], most: int = SHOWN) -> list[Item]:
    """At most `most` of the items, evenly spread and in their order."""
    count = min(most, len(items))
    return [items[len(items) * n // count] for n in range(count)]


class Gallery:
    """Thumbnails of the photos that are shown, by the path of the copy.

    Args:
        names: the paths of all copies, in order.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.wanted = frozenset(spread(names))
        self.shown: dict[str, Thumbnails] = {}
        self._bytes = 0

    def add(self, name: str, found: Thumbnails) -> None:
        """Take a photo in, unless the page would get too large."""
        self._bytes += len(found.before) + len(found.after) + len(found.noise)
        if self._bytes <= BYTES:
            self.shown[name] = found
