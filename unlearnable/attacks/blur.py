"""Photos blurred by a Gaussian whose standard deviation is that many pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from unlearnable.attacks.base import Family, Pixels, photos


def _blur(pixels: Pixels, radius: int) -> Pixels:
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


BLUR = Family(photos(_blur), numbers=range(1, 101), usual=(1, 2))
