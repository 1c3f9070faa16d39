"""Greys are written in one channel, wherever that changes neither values nor looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import Encoding, FileFormat, encode
from unlearnable.imaging.picture import Picture, only_greys

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FORMATS: list[FileFormat] = ["png", "webp", "jpeg"]


@pytest.fixture
def shades() -> NDArray[np.uint8]:
    """(16, 64): every shade of grey four times."""
    return np.arange(256, dtype=np.uint8).repeat(4).reshape(16, 64)


def in_greys(shades: NDArray[np.uint8], alpha: NDArray[np.uint8] | None = None) -> Picture:
    return Picture(np.dstack([shades] * 3), alpha, None, None, "PNG")


def written(picture: Picture, folder: Path, file_format: FileFormat) -> tuple[str, dict[Any, Any], Picture]:
    """The mode and the info of the file as Pillow reads it, and the picture as we do."""
    path = folder / f"a.{file_format}"
    encode(picture, path, Encoding(file_format, quality=95 if file_format == "jpeg" else None), keep_metadata="none")
    with Image.open(path) as image:
        return image.mode, image.info, decode(path)


def test_only_equal_channels_are_greys(shades: NDArray[np.uint8]) -> None:
    pixels = in_greys(shades).pixels
    assert only_greys(pixels)
    for channel in range(3):
        tinted = pixels.copy()
        tinted[15, 63, channel] -= 1
        assert not only_greys(tinted)


def test_a_grey_sky_makes_no_picture_in_greys() -> None:
    pixels = np.full((1500, 900, 3), 200, np.uint8)
    pixels[-1, -1, 2] = 199
    assert not only_greys(pixels)


@pytest.mark.parametrize(("file_format", "mode"), [("png", "L"), ("jpeg", "L"), ("webp", "RGB")])
def test_greys_are_written_in_one_channel(
    shades: NDArray[np.uint8], tmp_path: Path, file_format: FileFormat, mode: str
) -> None:
    found, _, back = written(in_greys(shades), tmp_path, file_format)
    assert found == mode
    assert only_greys(back.pixels)
    assert np.abs(back.pixels[..., 0].astype(int) - shades).max() <= (4 if file_format == "jpeg" else 0)
    tinted = in_greys(shades).pixels.copy()
    tinted[0, 0, 2] += 1
    assert written(Picture(tinted, None, None, None, "PNG"), tmp_path, file_format)[0] == "RGB"


@pytest.mark.parametrize(("file_format", "mode"), [("png", "LA"), ("jpeg", "L"), ("webp", "RGBA")])
def test_greys_keep_their_alpha(shades: NDArray[np.uint8], tmp_path: Path, file_format: FileFormat, mode: str) -> None:
    alpha = np.arange(256, dtype=np.uint8).repeat(4).reshape(64, 16).T  # every shade of it, also under opaque ones
    found, _, back = written(in_greys(shades, alpha), tmp_path, file_format)
    assert found == mode
    assert only_greys(back.pixels)
    if file_format != "jpeg":
        np.testing.assert_array_equal(back.pixels[..., 0], shades)
        np.testing.assert_array_equal(back.alpha, alpha)
