"""Photos as a social site keeps them: long side at most that many pixels, JPEG of quality 80."""

from __future__ import annotations

from PIL import Image

from unlearnable.attacks import steps
from unlearnable.attacks.base import Family, Pixels, photos

_QUALITY = 80


def _social(pixels: Pixels, side: int) -> Pixels:
    long = max(pixels.shape[:2])
    if long > side:
        pixels = steps.resized(pixels, side / long, Image.Resampling.LANCZOS)
    return steps.jpeg(pixels, _QUALITY)


SOCIAL = Family(photos(_social), numbers=range(1, 16_384), usual=(1920, 1080))
