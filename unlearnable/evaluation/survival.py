"""How much of the noise a lossy file keeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearnable.imaging.arrays import SomeRows

_STRIP_PIXELS = 1 << 19
Pixels8 = NDArray[np.uint8]


def share_kept(clean: Pixels8, noisy: SomeRows, clean_decoded: SomeRows, noisy_decoded: Pixels8) -> float:
    """Return the share of the noise that is left in the decoded file: the slope of what is left on what was added.

    What an encoder does to the photo itself is in both decoded pictures and falls out.

    Args:
        clean: (h, w, 3) the picture without noise.
        noisy: the picture with noise.
        clean_decoded: the first after encoding and decoding.
        noisy_decoded: the second after the same.

    Returns:
        1 where all of the noise is left, 0 where none is; 0 also where none was added.
    """
    added = kept = 0.0
    step = max(1, _STRIP_PIXELS // clean.shape[1])
    for start in range(0, clean.shape[0], step):
        rows = slice(start, start + step)
        noise = noisy[rows].astype(np.float32) - clean[rows]
        left = noisy_decoded[rows].astype(np.float32) - clean_decoded[rows]
        added += float(np.vdot(noise, noise))
        kept += float(np.vdot(noise, left))
    return kept / added if added else 0.0
