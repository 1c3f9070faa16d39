"""Tell photos that look alike by perceptual hash: such as training photos that are near-duplicates of held-out ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearnable.imaging.decode import DecodeError, decode

NEAR = 4  # differing bits of 64


def near_duplicates(photos: Sequence[Path], held_out: Iterable[Path]) -> list[int]:
    """Return the numbers of the photos whose perceptual hash is within `NEAR` bits of a held-out photo's."""
    gallery = [code for path in held_out if (code := _hash(path)) is not None]
    if not gallery:
        return []
    codes = np.stack(gallery)
    numbers = []
    for number, path in enumerate(photos):
        code = _hash(path)
        if code is not None and (code ^ codes).sum(axis=1).min() <= NEAR:
            numbers.append(number)
    return numbers


def _hash(path: Path) -> NDArray[np.bool_] | None:
    try:
        return _code(decode(path).pixels)
    except DecodeError:
        return None


def _code(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the perceptual hash of (h, w, 3) pixels: which of the 64 lowest frequencies are above their median."""
    from scipy.fft import dctn

    small = Image.fromarray(pixels).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    lowest = dctn(np.asarray(small, np.float64))[:8, :8]
    code: NDArray[np.bool_] = (lowest > np.median(lowest)).flatten()
    return code
