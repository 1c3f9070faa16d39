"""Photos with only that many bits a channel (1 to 8); each value becomes the middle of its step."""

from __future__ import annotations

import numpy as np

from unlearnable.attacks.base import Family, Pixels, photos


def _bits(pixels: Pixels, depth: int) -> Pixels:
    step = 1 << (8 - depth)
    return pixels & np.uint8(256 - step) | np.uint8(step // 2)


BITS = Family(photos(_bits), numbers=range(1, 9), usual=(6, 4))
