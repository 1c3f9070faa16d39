"""Photos with each value replaced by the median of a square of that many pixels a side."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from unlearnable.attacks.base import Family, Pixels, photos


def _median(pixels: Pixels, side: int) -> Pixels:
    return np.array(Image.fromarray(pixels).filter(ImageFilter.MedianFilter(side)))


MEDIAN = Family(photos(_median), numbers=range(3, 10, 2), usual=(3, 5))
