"""Distances between a changed picture and its original: L-inf, PSNR and SSIM."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 7  # the usual SSIM window
_STRIP_PIXELS = 1 << 19
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601


@dataclass(frozen=True)
class Quality:
    """Distances between two pictures.

    Attributes:
        linf: largest change of a channel, in 1/255.
        psnr: peak signal-to-noise ratio over all channels, in dB; `math.inf` for equal pictures, which JSON lacks.
        ssim: mean structural similarity of the luma (7 x 7 windows); 1 for equal pictures.
    """

    linf: int
    psnr: float
    ssim: float


def compare(original: NDArray[np.uint8], changed: NDArray[np.uint8]) -> Quality:
    """Compare two (h, w, 3) pictures strip by strip: 12 megapixels take about 40 MB.

    Raises:
        ValueError: the sizes differ.
    """
    if original.shape != changed.shape or original.ndim != 3 or original.shape[2] != 3:
        raise ValueError(f"pictures of shapes {original.shape} and {changed.shape} cannot be compared")
    largest, squares, similarity, rows = 0, 0, 0.0, 0
    for strip in _strips(*original.shape[:2]):
        first, second = original[strip], changed[strip]
        change = np.abs(first.astype(np.int16) - second)
        largest = max(largest, int(change.max()))
        # The strips overlap by WINDOW - 1 rows, which the SSIM windows need but the sum must not count twice.
        new = change[WINDOW - 1 if strip.start else 0 :].astype(np.int32)
        squares += int(np.square(new).sum(dtype=np.int64))
        count = max(1, first.shape[0] - WINDOW + 1)
        similarity += count * _ssim(first, second)
        rows += count
    return Quality(largest, _psnr(squares / original.size), similarity / rows)


def _strips(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows such that every window of WINDOW rows lies in exactly one."""
    step = max(1, _STRIP_PIXELS // width)
    for start in range(0, max(1, height - WINDOW + 1), step):
        yield slice(start, min(start + step + WINDOW - 1, height))


def _psnr(mean_square: float) -> float:
    return math.inf if mean_square == 0 else 10 * math.log10(255**2 / mean_square)


def _ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    from skimage.metrics import structural_similarity

    # A picture smaller than a window is extended by its edge.
    padding = [(0, max(0, WINDOW - size)) for size in first.shape[:2]]
    lumas = (np.pad(picture.astype(np.float32) @ _LUMA, padding, mode="edge") for picture in (first, second))
    return float(structural_similarity(*lumas, data_range=255.0, win_size=WINDOW))
