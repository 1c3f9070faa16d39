"""Steps that several countermeasures are built from: to save a photo and open it again, and to reduce it."""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
from PIL import Image

from unlearnable.attacks.base import Pixels
from unlearnable.errors import InputError


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """`pixels` as a JPEG with colour at half size (4:2:0), which is what Pillow, OpenCV and most sites write."""
    return saved(pixels, "JPEG", quality=quality, subsampling="4:2:0")


def saved(pixels: Pixels, file_format: Literal["JPEG", "WEBP"], **options: Any) -> Pixels:
    """`pixels` saved by Pillow with `options` and opened again.

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


def resized(pixels: Pixels, factor: float, kernel: Image.Resampling) -> Pixels:
    """`pixels` at `factor` times the size, each side at least 1; antialiased where that is smaller."""
    height, width, _ = pixels.shape
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.array(Image.fromarray(pixels).resize(size, kernel, reducing_gap=None))
