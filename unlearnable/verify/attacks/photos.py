"""Attacks on photos that Pillow makes: saving them again, reducing them, smoothing and sharpening, img2dataset."""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, features

from unlearnable.errors import ConfigError, InputError
from unlearnable.imaging.opening import pillow_settings
from unlearnable.verify.attacks.base import Attack, AttackChain, AttackFamily, Pixels, on_photos

SOCIAL_QUALITY = 80
SHARPENED = 2  # pixels: the standard deviation of the blur that an unsharp mask compares with, Pillow's default


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Return `pixels` saved as JPEG with colour at half size (4:2:0), as Pillow, OpenCV and most sites do."""
    return _saved(pixels, "JPEG", quality=quality, subsampling="4:2:0")


def webp(pixels: Pixels, quality: int) -> Pixels:
    """Return `pixels` saved as lossy WebP."""
    return _saved(pixels, "WEBP", quality=quality)


def avif(pixels: Pixels, quality: int) -> Pixels:
    """Return `pixels` saved as lossy AVIF with colour at half size."""
    # the number of threads decides into which tiles a photo is cut
    return _saved(pixels, "AVIF", quality=quality, subsampling="4:2:0", max_threads=1)


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


def downup(pixels: Pixels, percent: int) -> Pixels:
    """Return `pixels` reduced to `percent` per cent of both sides and enlarged to the size before."""
    height, width, _ = pixels.shape
    small = Image.fromarray(resized(pixels, percent / 100, Image.Resampling.BICUBIC))
    return np.array(small.resize((width, height), Image.Resampling.BICUBIC))


def grayscale(pixels: Pixels, _: int) -> Pixels:
    """Return the brightness of `pixels` in all three channels."""
    return np.array(Image.fromarray(pixels).convert("L").convert("RGB"))


def blur(pixels: Pixels, radius: int) -> Pixels:
    """Return `pixels` under a Gaussian whose standard deviation is `radius` pixels."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def sharpen(pixels: Pixels, percent: int) -> Pixels:
    """Return `pixels` with `percent` per cent of what a blur takes away put on top, an unsharp mask."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.UnsharpMask(SHARPENED, percent, threshold=0)))


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


def _saved(pixels: Pixels, file_format: Literal["JPEG", "WEBP", "AVIF"], **options: Any) -> Pixels:
    """Return `pixels` saved by Pillow with `options` and opened again.

    Raises:
        InputError: the format cannot hold a photo of this size.
    """
    file = io.BytesIO()
    try:
        Image.fromarray(pixels).save(file, file_format, **options)
        with pillow_settings(), Image.open(file) as image:
            return np.array(image.convert("RGB"))
    except (OSError, RuntimeError, ValueError) as error:
        height, width, _ = pixels.shape
        message = f"a photo of {width} x {height} cannot be saved as {file_format}: {error}"
        raise InputError(message, hint="reduce it first, as in resize-512+jpeg-75") from error


def _avif_family(name: str, quality: int) -> Attack:
    """Return the attack of that name.

    Raises:
        ConfigError: Pillow was built without AVIF.
    """
    if not features.check("avif"):
        raise ConfigError(f"{name}: this Pillow writes no AVIF", hint="install Pillow from a wheel of PyPI")
    return on_photos(avif)(name, quality)


UNCHANGED = AttackFamily(lambda name, _: AttackChain(name, ()))
JPEG = AttackFamily(on_photos(jpeg), numbers=range(1, 101), usual=(95, 85, 75, 50, 10))
WEBP = AttackFamily(on_photos(webp), numbers=range(101), usual=(80,))
AVIF = AttackFamily(_avif_family, numbers=range(101), usual=(60,))
SOCIAL = AttackFamily(on_photos(social), numbers=range(1, 16_384), usual=(1920, 1080))
RESIZE = AttackFamily(on_photos(resize), numbers=range(1, 16_384), usual=(512, 224))
DOWNUP = AttackFamily(on_photos(downup), numbers=range(1, 100), usual=(50, 25))
GRAYSCALE = AttackFamily(on_photos(grayscale))
BLUR = AttackFamily(on_photos(blur), numbers=range(1, 101), usual=(1, 2))
SHARPEN = AttackFamily(on_photos(sharpen), numbers=range(1, 1001), usual=(150,))
MEDIAN = AttackFamily(on_photos(median), numbers=range(3, 10, 2), usual=(3, 5))
BITS = AttackFamily(on_photos(bits), numbers=range(1, 9), usual=(6, 4))


_SIDE = 256
_QUALITY = 95


def img2dataset(pixels: Pixels, _: int) -> Pixels:
    """Return `pixels` at a long side of 256 in the middle of a white square, saved as JPEG."""
    long = max(pixels.shape[:2])
    if long > _SIDE:
        pixels = _area(pixels, _SIDE / long)
    elif long < _SIDE:
        pixels = resized(pixels, _SIDE / long, Image.Resampling.LANCZOS)
    height, width, _ = pixels.shape
    square = np.full((_SIDE, _SIDE, 3), 255, np.uint8)
    top, left = (_SIDE - height) // 2, (_SIDE - width) // 2
    square[top : top + height, left : left + width] = pixels
    return jpeg(square, _QUALITY)


def _area(pixels: Pixels, factor: float) -> Pixels:
    """Return `pixels` reduced; each new pixel is the mean of the area it covers."""
    rows, columns = (_shares(size, max(1, round(size * factor))) for size in pixels.shape[:2])
    reduced = [rows @ pixels[..., channel].astype(np.float32) @ columns.T for channel in range(3)]
    return (np.stack(reduced, axis=-1) + 0.5).astype(np.uint8)


def _shares(size: int, cells: int) -> NDArray[np.float32]:
    """Return (cells, size), the share of each pixel in each of `cells` equal pieces of the side; rows sum to 1."""
    edges = np.arange(cells + 1) * (size / cells)
    pixels = np.arange(size)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    shares: NDArray[np.float32] = (covered.clip(min=0) * (cells / size)).astype(np.float32)
    return shares


IMG2DATASET = AttackFamily(on_photos(img2dataset))
