"""Pictures in greys: what can be written in one channel without a change to its values or its looks."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from unlearnable.imaging.arrays import SomeRows, strips
from unlearnable.imaging.picture import Picture

_ALIKE = 1  # in 1/255: what rounding alone makes of greys that two profiles show alike


def fits_one_channel(picture: Picture, rows: SomeRows | None = None) -> bool:
    """Return whether a picture, or `rows` in its place, is in greys that look the same without its colour profile.

    One channel cannot have an RGB profile. Those of screens and phones (sRGB, Display P3) show greys as sRGB does,
    which is what a picture without a profile is taken for. Under others, such as Adobe RGB, greys look otherwise.
    """
    shown = picture.pixels if rows is None else rows
    return only_greys(shown) and (picture.icc is None or _shows_greys_as_srgb(picture.icc))


def only_greys(pixels: SomeRows) -> bool:
    """Return whether all three channels of (h, w, 3) pixels are equal in every pixel."""
    for rows in strips(*pixels.shape[:2]):  # of most photos the first one tells
        part = pixels[rows]
        red, green, blue = (part[..., channel] for channel in range(3))
        if not (np.array_equal(red, green) and np.array_equal(red, blue)):
            return False
    return True


def _shows_greys_as_srgb(icc: bytes) -> bool:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)  # (1, 256, 3)
    try:
        shown = ImageCms.profileToProfile(
            Image.fromarray(ramp),
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
    except (OSError, ImageCms.PyCMSError):  # a damaged profile says nothing
        return False
    return bool(np.abs(np.asarray(shown).astype(int) - ramp).max() <= _ALIKE)
