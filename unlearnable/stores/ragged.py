"""The layout of arrays of different sizes stored one after the other in a flat file."""

from __future__ import annotations

from collections.abc import Iterable

Shape = tuple[int, int]  # height and width of one array; each has three channels


class Ragged:
    """The offsets of arrays (3, h, w) of one-byte numbers in a file, each with its own height and width.

    Args:
        shapes: (h, w) of the arrays in the file, in order.
    """

    def __init__(self, shapes: Iterable[Shape] = ()) -> None:
        self.shapes: list[Shape] = []
        self._ends = [0]
        for shape in shapes:
            self.append(shape)

    def __len__(self) -> int:
        return len(self.shapes)

    def append(self, shape: Shape) -> None:
        """Add an array of this shape after the last one."""
        height, width = shape
        self.shapes.append((height, width))
        self._ends.append(self._ends[-1] + 3 * height * width)

    def part(self, number: int) -> slice:
        """Return the range of bytes of an array."""
        return slice(self._ends[number], self._ends[number + 1])

    @property
    def size(self) -> int:
        """The size of all arrays together, in bytes."""
        return self._ends[-1]
