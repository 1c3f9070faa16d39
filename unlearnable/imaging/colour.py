"""Convert any colour mode of a decoded picture to 8-bit RGB and alpha, with notes on what was lost."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, SAMPLEFORMAT

from unlearnable.imaging.arrays import array_of, rgb
from unlearnable.imaging.profiles import in_srgb

# The colour space that an ICC profile must name, by the mode of the pixels that it converts to sRGB.
PROFILE_SPACES = {"L": b"GRAY", "CMYK": b"CMYK", "LAB": b"Lab "}
NOTES = {
    "P": "palette not kept",
    "CMYK": "CMYK converted to sRGB",
    "LAB": "Lab converted to sRGB",
    "YCbCr": "YCbCr converted to RGB",
    "HSV": "HSV converted to RGB",
}


class Colours(NamedTuple):
    """Colours and transparency of a picture.

    Attributes:
        pixels: (h, w, 3) uint8.
        alpha: (h, w) uint8; None if the picture is opaque.
        icc: RGB colour profile of `pixels`; None for sRGB.
        lost: notes on what the conversion lost.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    icc: bytes | None
    lost: tuple[str, ...]


def separate(image: Image.Image) -> Colours:
    """Split a loaded picture into RGB and alpha.

    Pixels that come with an RGB profile are left as they are and keep it. Grey, CMYK and Lab
    are converted to sRGB, through their own profile if they have one, which is then dropped.
    An alpha channel that is opaque throughout counts as none: WebP would not keep it.
    """
    lost: list[str] = []
    icc = image.info.get("icc_profile") or None
    if image.mode.startswith("I") or image.mode == "F":
        image = _in_eight_bits(image, lost)
    kind = {"1": "L", "LA": "L", "La": "L", "PA": "P"}.get(image.mode, image.mode)
    if kind in NOTES:
        lost.append(NOTES[kind])
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = array_of(image.getchannel("A"))
        alpha = None if alpha.min() == 255 else alpha
        image = image.getchannel("R") if kind == "L" else image.convert("RGB")
    elif kind == "L":
        image = image.convert("L")
    if kind in PROFILE_SPACES and not _is_rgb(icc):
        image = _to_srgb(image, icc, lost)
        icc = None
    elif icc is not None and (kind in ("CMYK", "LAB") or not _is_rgb(icc)):
        lost.append("unsuitable colour profile dropped")
        icc = None
    return Colours(array_of(rgb(image)), alpha, icc, tuple(lost))


def _is_rgb(icc: bytes | None) -> bool:
    return icc is not None and icc[16:20] == b"RGB "


def _in_eight_bits(image: Image.Image, lost: list[str]) -> Image.Image:
    """Return an image of one deep channel in 8 bits, with 0 for black; Pillow leaves it for white where a TIFF does."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    if tags.get(SAMPLEFORMAT, (1,))[0] == 1 and tags and values.dtype == np.int32:
        values = values.view(np.uint32)  # Pillow reads them as if they had a sign
    grey = _to_eight_bits(values, lost)
    white_is_zero = tags.get(PHOTOMETRIC_INTERPRETATION) == 0
    reduced = Image.fromarray(255 - grey if white_is_zero else grey)
    if isinstance(clear := image.info.get("transparency"), int):
        reduced.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return reduced


def _to_eight_bits(values: NDArray[np.generic], lost: list[str]) -> NDArray[np.uint8]:
    """Scale one channel of more than 8 bits to 0..255.

    16-bit samples have a known range. For 32-bit integers and floats the smallest usual range
    (0..1 for floats, 0..255, 0..65535) that holds every value is taken, or else the values' own range.
    """
    if values.dtype.itemsize == 2 and values.dtype.kind == "u":
        return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    numbers = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(numbers.min()), float(numbers.max())
    usual = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    top = next((top for top in usual if low >= 0 and high <= top), None)
    if top is None:
        lost.append(f"values from {low:g} to {high:g} scaled to 8 bits")
    else:
        low, high = 0.0, top
    return np.floor((numbers - low) * (255.0 / max(high - low, 1e-12)) + 0.5).astype(np.uint8)


def _to_srgb(image: Image.Image, icc: bytes | None, lost: list[str]) -> Image.Image:
    """Convert grey, CMYK or Lab to sRGB, through the picture's own profile if that is sound; grey may stay mode L."""
    converted = None
    if icc is not None and icc[16:20] == PROFILE_SPACES[image.mode]:
        try:
            converted = in_srgb(image, ImageCms.ImageCmsProfile(io.BytesIO(icc)))
        except (OSError, ImageCms.PyCMSError):
            lost.append("damaged colour profile dropped")
    elif image.mode == "LAB":
        converted = in_srgb(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if converted is None:
        return image.convert("RGB")
    if image.mode == "L":
        lost.append("grey profile converted to sRGB")
        return converted.getchannel("G")  # one channel: rounding must not tint it
    return converted
