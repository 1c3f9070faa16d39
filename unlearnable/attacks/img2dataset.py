"""The img2dataset attack: photos as that tool keeps them by default, 256 x 256 with a white border, JPEG of quality 95.

img2dataset brings the long side to 256, smaller photos too: by OpenCV's area averaging when it reduces, by
Lanczos when it enlarges. Pillow's box filter is no area averaging unless the factor is whole: it takes a
pixel entirely or not at all, and keeps more of the noise (on random pixels of 500 x 375 the two differ by 12
of 255 on average). `_area` equals OpenCV's, but for values that lie halfway.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearnable.attacks.base import AttackFamily, Pixels, on_photos
from unlearnable.attacks.photos import jpeg, resized

_SIDE = 256
_QUALITY = 95


def img2dataset(pixels: Pixels, _: int) -> Pixels:
    """Return `pixels` at a long side of 256 in the middle of a white square, saved as JPEG."""
    long = max(pixels.shape[:2])
    if long > _SIDE:
        pixels = _area(pixels, _SIDE / long)
    elif long < _SIDE:
        pixels = resized(pixels, _SIDE / long, Image.Resampling.LANCZOS)
    height, width, _ = pixels.shape
    square = np.full((_SIDE, _SIDE, 3), 255, np.uint8)
    top, left = (_SIDE - height) // 2, (_SIDE - width) // 2
    square[top : top + height, left : left + width] = pixels
    return jpeg(square, _QUALITY)


def _area(pixels: Pixels, factor: float) -> Pixels:
    """Return `pixels` reduced; each new pixel is the mean of the area it covers."""
    rows, columns = (_shares(size, max(1, round(size * factor))) for size in pixels.shape[:2])
    reduced = [rows @ pixels[..., channel].astype(np.float32) @ columns.T for channel in range(3)]
    return (np.stack(reduced, axis=-1) + 0.5).astype(np.uint8)


def _shares(size: int, cells: int) -> NDArray[np.float32]:
    """Return (cells, size), the share of each pixel in each of `cells` equal pieces of the side; rows sum to 1."""
    edges = np.arange(cells + 1) * (size / cells)
    pixels = np.arange(size)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    shares: NDArray[np.float32] = (covered.clip(min=0) * (cells / size)).astype(np.float32)
    return shares


IMG2DATASET = AttackFamily(on_photos(img2dataset))
