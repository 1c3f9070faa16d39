"""Photos reduced by bicubic until the short side has at most that many pixels."""

from __future__ import annotations

from PIL import Image

from unlearnable.attacks import steps
from unlearnable.attacks.base import Family, Pixels, photos


def _resize(pixels: Pixels, side: int) -> Pixels:
    short = min(pixels.shape[:2])
    return pixels if short <= side else steps.resized(pixels, side / short, Image.Resampling.BICUBIC)


RESIZE = Family(photos(_resize), numbers=range(1, 16_384), usual=(512, 224))
