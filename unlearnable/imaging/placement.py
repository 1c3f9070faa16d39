"""The geometry between the noise grid and the photo.

The grid covers the whole photo at the surrogate's scale, so that a surrogate which reduces the
protected photo sees the noise much as it was made. Enlarging never exceeds epsilon: each value lies
between its neighbours on the grid (bicubic would overshoot from 8 to 12.8).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearnable.imaging.picture import Picture, on_white, strips

REDUCED_FROM = "reduced from"  # how a note begins that tells the size before
_Neighbours = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def grid_shape(height: int, width: int, side: int) -> tuple[int, int]:
    """Return (rows, columns) of a photo's grid: the photo's aspect, a short side of at most `side`, never enlarged.

    Raises:
        ValueError: a number is below 1.
    """
    if min(height, width, side) < 1:
        raise ValueError(f"no grid for a photo of {height} x {width} and a side of {side}")
    short, long = sorted((height, width))
    short_grid = min(side, short)
    long_grid = max(1, (2 * long * short_grid + short) // (2 * short))  # rounded half up
    return (short_grid, long_grid) if height <= width else (long_grid, short_grid)


class Enlarged:
    """Noise (c, gh, gw) enlarged to (height, width, c); only the rows that are asked for become an array.

    Bilinear with half-pixel centres, as torch's `interpolate` with `align_corners=False`, rounded half away from
    zero. It does not exceed the largest value of the noise.
    """

    def __init__(self, noise: NDArray[np.int8], height: int, width: int) -> None:
        channels, rows, columns = noise.shape
        grid = noise.transpose(1, 2, 0)  # (gh, gw, c)
        self.shape = height, width, channels
        left, right, weight = _neighbours(width, columns)
        # `take` puts the channels of a pixel side by side, an index does not: its rows take six times as long.
        first, second = (grid.take(cells, axis=1).astype(np.float32) for cells in (left, right))
        self._wide = _between(first, second, weight[:, None])
        self._above, self._below, self._weight = _neighbours(height, rows)

    def __getitem__(self, rows: slice) -> NDArray[np.int8]:
        """Return some rows (h, width, c)."""
        above, below = self._wide[self._above[rows]], self._wide[self._below[rows]]
        values = _between(above, below, self._weight[rows, None, None])
        values += np.copysign(np.float32(0.5), values)
        return values.astype(np.int8)  # truncates towards zero


def _neighbours(size: int, cells: int) -> _Neighbours:
    """Return, for each of `size` pixels, the two cells around it and the weight of the second; edge cells extend."""
    position = np.maximum((np.arange(size) + 0.5) * (cells / size) - 0.5, 0.0)
    first = position.astype(np.int64)
    return first, np.minimum(first + 1, cells - 1), (position - first).astype(np.float32)


def _between(
    first: NDArray[np.float32], second: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    second -= first
    second *= weight
    second += first
    return second


class Noisy:
    """A photo (h, w, 3) with its noise grid (c, gh, gw); only the rows that are asked for become an array."""

    def __init__(self, pixels: NDArray[np.uint8], noise: NDArray[np.int8]) -> None:
        self._pixels, self._noise = pixels, Enlarged(noise, pixels.shape[0], pixels.shape[1])
        self.shape = pixels.shape

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Return some rows (h, w, 3)."""
        return add(self._pixels[rows], self._noise[rows])

    def whole(self) -> NDArray[np.uint8]:
        """Return all rows."""
        return add(self._pixels, self._noise)


def add(pixels: NDArray[np.uint8], noise: NDArray[np.int8] | Enlarged) -> NDArray[np.uint8]:
    """Return `pixels` (h, w, 3) + `noise` (h, w, 3), or (h, w, 1) on all channels, clipped to 0..255 in integers.

    Raises:
        ValueError: the shapes differ.
    """
    if pixels.shape[:2] != noise.shape[:2] or noise.shape[2] not in (1, 3):
        raise ValueError(f"noise of shape {noise.shape} does not fit pixels of shape {pixels.shape}")
    changed = np.empty_like(pixels)
    for strip in strips(*pixels.shape[:2]):
        changed[strip] = np.clip(pixels[strip].astype(np.int16) + noise[strip], 0, 255)
    return changed


def working_copy(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return (h, w, 3) pixels reduced for models of `side` pixels: to twice that on the short side, for crops.

    Antialiased bicubic; the pixels themselves where they are that small already.
    """
    height, width, _ = pixels.shape
    shape = grid_shape(height, width, 2 * side)
    if shape == (height, width):
        return pixels
    return np.array(Image.fromarray(pixels).resize(shape[::-1], Image.Resampling.BICUBIC))


def resized(picture: Picture, height: int, width: int) -> Picture:
    """Return a picture in another size (Lanczos, antialiased); itself where it has that size."""
    if (height, width) == (picture.height, picture.width):
        return picture
    layers = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    image = Image.fromarray(layers).resize((width, height), Image.Resampling.LANCZOS)  # weighs colours by alpha
    layers = np.array(image)
    return replace(
        picture,
        pixels=np.ascontiguousarray(layers[..., :3]),
        alpha=None if picture.alpha is None else np.ascontiguousarray(layers[..., 3]),
        lost=(*picture.lost, f"{REDUCED_FROM} {picture.width} x {picture.height}"),
    )


def as_copied(original: Picture, copy: Picture) -> Picture:
    """Return the original as its copy has it, but for the noise: in the same size, and opaque where the copy is."""
    picture = resized(original, copy.height, copy.width)
    return on_white(picture) if copy.alpha is None else picture


def is_reduced(original: Picture, copy: Picture) -> bool:
    """Return whether the copy has the size of its original, or one that it is reduced to: smaller, of that shape."""
    if (copy.height, copy.width) == (original.height, original.width):
        return True
    if copy.height >= original.height or copy.width >= original.width:
        return False
    scale = max(copy.height / original.height, copy.width / original.width)
    return abs(original.height * scale - copy.height) <= 1 and abs(original.width * scale - copy.width) <= 1
