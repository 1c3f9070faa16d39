"""The photos that a page shows: those in which most is seen, and few enough for the page to open on a phone."""

from __future__ import annotations

from unlearnable.report.pictures import Thumbnails

SHOWN = 48
BYTES = 4_000_000  # most bytes of all thumbnails of a page


class ShownPhotos:
    """The photos that a page shows, kept as they are written: those whose noise is the most visible."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, str, Thumbnails]] = []

    @property
    def thumbnails(self) -> dict[str, Thumbnails]:
        """The thumbnails by the path of the copy, the most visible noise first."""
        return {name: found for _, name, found in self._kept}

    def wants(self, flip: float) -> bool:
        """Return whether a photo with a FLIP of that much would be shown."""
        return len(self._kept) < SHOWN or flip > self._kept[-1][0]

    def add(self, name: str, flip: float, found: Thumbnails) -> None:
        """Add a photo; those of the least visible noise make room."""
        self._kept.append((flip, name, found))
        self._kept.sort(key=lambda one: -one[0])
        while len(self._kept) > SHOWN or sum(one.size for _, _, one in self._kept) > BYTES:
            self._kept.pop()
