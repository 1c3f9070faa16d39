"""The photos that a page shows: evenly spread, and few enough for the page to open on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from unlearnable.report.pictures import Thumbnails

SHOWN = 48
BYTES = 4_000_000  # most bytes of all thumbnails of a page
Item = TypeVar("Item")


def spread(items: Sequence[Item], most: int = SHOWN) -> list[Item]:
    """Return at most `most` of the items, evenly spread and in their order."""
    count = min(most, len(items))
    return [items[len(items) * n // count] for n in range(count)]


class ShownPhotos:
    """The photos that a page shows.

    Args:
        names: paths of all copies, in order.

    Attributes:
        wanted: paths of the copies to show.
        thumbnails: thumbnails that were added, by the path of the copy.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.wanted = frozenset(spread(names))
        self.thumbnails: dict[str, Thumbnails] = {}
        self._bytes = 0

    def add(self, name: str, found: Thumbnails) -> None:
        """Add the thumbnails of a photo, unless the page would get too large."""
        self._bytes += len(found.before) + len(found.after) + len(found.noise)
        if self._bytes <= BYTES:
            self.thumbnails[name] = found
