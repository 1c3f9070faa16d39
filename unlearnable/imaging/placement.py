"""The geometry between the noise grid and the photo.

The grid covers the whole photo at the surrogate's scale, so that a surrogate which reduces the
protected photo sees the noise much as it was made. Enlarging never exceeds epsilon: each value lies
between its neighbours on the grid (bicubic would overshoot from 8 to 12.8).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearnable.imaging.arrays import strips


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


def enlarge(noise: NDArray[np.int8], height: int, width: int, mode: Literal["bilinear", "nearest"]) -> NDArray[np.int8]:
    """Enlarge (c, gh, gw) noise to (height, width, c) without exceeding its largest value.

    With half-pixel centres, as torch's `interpolate` does: "bilinear" is its mode of that name with
    `align_corners=False`, rounded half away from zero; "nearest" is its "nearest-exact".

    Raises:
        ValueError: `mode` is neither.
    """
    if mode not in ("bilinear", "nearest"):
        raise ValueError(f"there is no enlarging mode {mode!r}")
    channels, rows, columns = noise.shape
    grid = noise.transpose(1, 2, 0)  # (gh, gw, c)
    if mode == "nearest":
        return np.ascontiguousarray(grid[_nearest(height, rows)][:, _nearest(width, columns)])
    left, right, weight = _neighbours(width, columns)
    wide = _between(grid[:, left].astype(np.float32), grid[:, right].astype(np.float32), weight[:, None])  # (gh, w, c)
    above, below, weight = _neighbours(height, rows)
    large = np.empty((height, width, channels), np.int8)
    for strip in strips(height, width):
        values = _between(wide[above[strip]], wide[below[strip]], weight[strip, None, None])
        values += np.copysign(np.float32(0.5), values)
        large[strip] = values  # the cast truncates towards zero
    return large


def add(pixels: NDArray[np.uint8], noise: NDArray[np.int8]) -> NDArray[np.uint8]:
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
    return np.array(Image.fromarray(pixels).resize(shape[::-1], Image.Resampling.BICUBIC, reducing_gap=None))


def _nearest(size: int, cells: int) -> NDArray[np.int64]:
    """Return the grid cell that each of `size` pixels lies in."""
    return (2 * np.arange(size, dtype=np.int64) + 1) * cells // (2 * size)


def _neighbours(size: int, cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return, for each of `size` pixels, the two cells around it and the weight of the second; edge cells extend."""
    position = np.maximum((np.arange(size) + 0.5) * (cells / size) - 0.5, 0.0)
    first = np.minimum(position.astype(np.int64), cells - 1)
    return first, np.minimum(first + 1, cells - 1), (position - first).astype(np.float32)


def _between(
    first: NDArray[np.float32], second: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    second -= first
    second *= weight
    second += first
    return second
