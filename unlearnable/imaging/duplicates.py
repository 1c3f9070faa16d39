"""Photos that look alike, by perceptual hash: training photos that are near-duplicates of held-out ones."""

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
    hashes = enumerate(map(_hash, photos))
    return [number for number, code in hashes if code is not None and (code ^ codes).sum(axis=1).min() <= NEAR]


def _hash(path: Path) -> NDArray[np.bool_] | None:
    """Return which of the 64 lowest frequencies of a photo are above their median; None if it cannot be decoded."""
    from scipy.fft import dctn

    try:
        pixels = decode(path).pixels
    except DecodeError:
        return None
    small = Image.fromarray(pixels).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    lowest = dctn(np.asarray(small, np.float64))[:8, :8]
    code: NDArray[np.bool_] = (lowest > np.median(lowest)).flatten()
    return code
