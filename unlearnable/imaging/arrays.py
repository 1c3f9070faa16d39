"""Photos as arrays, in strips that bound the memory, and whether a photo is grey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_STRIP_PIXELS = 1 << 16  # floats of three channels fit the processor's cache; several times faster than whole pictures


def strips(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows that make up a picture."""
    step = max(1, _STRIP_PIXELS // width)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


class Rows:
    """The rows of an image of 8 bits; only those that are asked for become an array."""

    def __init__(self, image: Image.Image) -> None:
        image.load()
        self._image = image
        self.shape = image.height, image.width, len(image.getbands())

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Return some rows: (h, w), or (h, w, c) if the image has several channels."""
        width, channels = self._image.width, len(self._image.getbands())
        start, stop, _ = rows.indices(self._image.height)
        pixels = np.empty((stop - start, width, channels), np.uint8)
        for part in strips(stop - start, width):
            raw = self._image.crop((0, start + part.start, width, start + part.stop)).tobytes()
            pixels[part] = np.frombuffer(raw, np.uint8).reshape(-1, width, channels)
        return pixels[..., 0] if channels == 1 else pixels


def array_of(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an image of 8 bits: (h, w), or (h, w, c) if it has several channels."""
    return Rows(image)[:]


def rgb(image: Image.Image) -> Image.Image:
    """Return an image in RGB; itself if it is."""
    return image if image.mode == "RGB" else image.convert("RGB")


class SomeRows(Protocol):
    """A picture (h, w, c), or what becomes one row by row."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the height, the width and the number of channels."""

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Return some rows."""


def differ(first: SomeRows, second: NDArray[np.uint8]) -> bool:
    """Return whether two pictures (h, w, ...) of one size differ anywhere."""
    return any(not np.array_equal(first[rows], second[rows]) for rows in strips(*second.shape[:2]))


def only_greys(pixels: SomeRows) -> bool:
    """Return whether all three channels of (h, w, 3) pixels are equal in every pixel."""
    for rows in strips(*pixels.shape[:2]):  # of most photos the first one tells
        part = pixels[rows]
        red, green, blue = (part[..., channel] for channel in range(3))
        if not (np.array_equal(red, green) and np.array_equal(red, blue)):
            return False
    return True
