"""Photos in greys: the brightness in all three channels."""

from __future__ import annotations

import numpy as np
from PIL import Image

from unlearnable.attacks.base import Family, Pixels, photos


def _grayscale(pixels: Pixels, _: int) -> Pixels:
    return np.array(Image.fromarray(pixels).convert("L").convert("RGB"))


GRAYSCALE = Family(photos(_grayscale), default=0)
