"""Attacks on photos: saving them again, reducing them, and filters that take noise away."""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageFilter

from unlearnable.attacks.base import AttackChain, AttackFamily, Pixels, on_photos
from unlearnable.errors import InputError

SOCIAL_QUALITY = 80


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Return `pixels` saved as JPEG with colour at half size (4:2:0), as Pillow, OpenCV and most sites do."""
    return _saved(pixels, "JPEG", quality=quality, subsampling="4:2:0")


def webp(pixels: Pixels, quality: int) -> Pixels:
    """Return `pixels` saved as lossy WebP."""
    return _saved(pixels, "WEBP", quality=quality)


def social(pixels: Pixels, side: int) -> Pixels:
    """Return `pixels` with the long side reduced to `side` at most and saved as JPEG, as a social network does."""
    long = max(pixels.shape[:2])
    if long > side:
        pixels = resized(pixels, side / long, Image.Resampling.LANCZOS)
    return jpeg(pixels, SOCIAL_QUALITY)


def resize(pixels: Pixels, side: int) -> Pixels:
    """Return `pixels` with the short side reduced to `side` at most."""
    short = min(pixels.shape[:2])
    return pixels if short <= side else resized(pixels, side / short, Image.Resampling.BICUBIC)


def grayscale(pixels: Pixels, _: int) -> Pixels:
    """Return the brightness of `pixels` in all three channels."""
    return np.array(Image.fromarray(pixels).convert("L").convert("RGB"))


def blur(pixels: Pixels, radius: int) -> Pixels:
    """Return `pixels` under a Gaussian whose standard deviation is `radius` pixels."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def median(pixels: Pixels, side: int) -> Pixels:
    """Return the median of each value's neighbourhood, `side` pixels square."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.MedianFilter(side)))


def bits(pixels: Pixels, depth: int) -> Pixels:
    """Return `pixels` with `depth` bits a channel; each value becomes the middle of its step."""
    step = 1 << (8 - depth)
    return pixels & np.uint8(256 - step) | np.uint8(step // 2)


def resized(pixels: Pixels, factor: float, kernel: Image.Resampling) -> Pixels:
    """Return `pixels` at `factor` times the size, each side at least 1; antialiased where that is smaller."""
    height, width, _ = pixels.shape
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.array(Image.fromarray(pixels).resize(size, kernel, reducing_gap=None))


def _saved(pixels: Pixels, file_format: Literal["JPEG", "WEBP"], **options: Any) -> Pixels:
    """Return `pixels` saved by Pillow with `options` and opened again.

    Raises:
        InputError: the format cannot hold a photo of this size.
    """
    file = io.BytesIO()
    try:
        Image.fromarray(pixels).save(file, file_format, **options)
    except (OSError, ValueError) as error:
        height, width, _ = pixels.shape
        message = f"a photo of {width} x {height} cannot be saved as {file_format}: {error}"
        raise InputError(message, hint="reduce it first, as in resize-512+jpeg-75") from error
    with Image.open(file) as image:
        return np.array(image.convert("RGB"))


UNCHANGED = AttackFamily(lambda name, _: AttackChain(name, ()), default=0)
JPEG = AttackFamily(on_photos(jpeg), numbers=range(1, 101), usual=(95, 85, 75, 50))
WEBP = AttackFamily(on_photos(webp), numbers=range(101), usual=(80,))
SOCIAL = AttackFamily(on_photos(social), numbers=range(1, 16_384), usual=(1920, 1080))
RESIZE = AttackFamily(on_photos(resize), numbers=range(1, 16_384), usual=(512, 224))
GRAYSCALE = AttackFamily(on_photos(grayscale), default=0)
BLUR = AttackFamily(on_photos(blur), numbers=range(1, 101), usual=(1, 2))
MEDIAN = AttackFamily(on_photos(median), numbers=range(3, 10, 2), usual=(3, 5))
BITS = AttackFamily(on_photos(bits), numbers=range(1, 9), usual=(6, 4))
