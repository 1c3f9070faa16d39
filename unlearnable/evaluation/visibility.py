"""What a person sees of a change: FLIP and CIEDE2000, at the size at which a screen shows the photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearnable.evaluation.flip import flip

VIEWING_SIDE = 1080  # pixels of the longer side, at most


@dataclass(frozen=True)
class Visibility:
    """How visible the difference of two pictures is, at viewing size; 0 for equal pictures.

    Attributes:
        flip: mean FLIP error, 0 to 1 (Andersson et al., "FLIP: A Difference Evaluator for Alternating Images", 2020),
            for an eye that resolves 67 pixels a degree, FLIP's default: a 4K monitor of 0.7 m from 0.7 m away.
        delta_e: mean CIEDE2000 colour difference (CIE 142-2001; Sharma et al., 2005); 1 is about the smallest that
            is seen between two plain patches side by side.
    """

    flip: float
    delta_e: float


def visibility(original: NDArray[np.uint8], changed: NDArray[np.uint8]) -> Visibility:
    """Compare two (h, w, 3) sRGB pictures as a screen shows them: reduced to `VIEWING_SIDE`, never enlarged.

    Both are reduced by Pillow's antialiased bicubic filter to 8 bits, which is what a screen gets.

    Raises:
        ValueError: the sizes differ.
    """
    from skimage.color import deltaE_ciede2000, rgb2lab

    if original.shape != changed.shape or original.ndim != 3 or original.shape[2] != 3:
        raise ValueError(f"pictures of shapes {original.shape} and {changed.shape} cannot be compared")
    first, second = _as_seen(original), _as_seen(changed)
    error_map = flip(first, second)
    colours = deltaE_ciede2000(rgb2lab(first), rgb2lab(second))
    return Visibility(float(error_map.mean(dtype=np.float64)), float(colours.mean(dtype=np.float64)))


def _as_seen(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pixels (h, w, 3) at viewing size, 0 to 1."""
    height, width, _ = pixels.shape
    scale = min(1.0, VIEWING_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1:
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    return pixels.astype(np.float32) / np.float32(255)
