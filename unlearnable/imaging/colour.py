"""Convert any colour mode of a decoded picture to 8-bit sRGB and alpha, with notes on what was lost."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, SAMPLEFORMAT

from unlearnable.imaging.picture import array_of, only_greys, rgb

# The colour spaces that an ICC profile may name, by the mode of the pixels.
PROFILE_SPACES = {"L": (b"GRAY", b"RGB "), "RGB": (b"RGB ",), "CMYK": (b"CMYK",), "LAB": (b"Lab ",)}
NOTES = {
    "P": "palette not kept",
    "CMYK": "CMYK converted to sRGB",
    "LAB": "Lab converted to sRGB",
    "YCbCr": "YCbCr converted to RGB",
    "HSV": "HSV converted to RGB",
}
_STEPS = 17  # shades a channel, of the colours by which a profile is compared with sRGB


class Colours(NamedTuple):
    """Colours and transparency of a picture.

    Attributes:
        pixels: (h, w, 3) uint8 sRGB.
        alpha: (h, w) uint8; None if the picture is opaque.
        lost: notes on what the conversion lost.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    lost: tuple[str, ...]


def separate(image: Image.Image) -> Colours:
    """Split a loaded picture into sRGB and alpha.

    A colour profile is applied, and dropped. Only that of a file counts: gamma chunks of PNG and the numbers that HEIC
    and AVIF name their colours by do not. An alpha channel that is opaque throughout counts as none: WebP would not
    keep it.
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
    return Colours(array_of(rgb(in_srgb(image, icc, lost))), alpha, tuple(lost))


def in_srgb(image: Image.Image, icc: bytes | None, lost: list[str]) -> Image.Image:
    """Return an image in sRGB, through its colour profile if that is sound; greys stay greys, and L may stay L.

    A profile that shows every colour as sRGB does, within 1/255, changes no pixel.

    Args:
        image: image of 8 bits a channel, without alpha.
        icc: its profile.
        lost: notes, to which what happens is added.
    """
    image = image if image.mode in PROFILE_SPACES else image.convert("RGB")
    if icc is not None and icc[16:20] not in PROFILE_SPACES[image.mode]:
        lost.append("unsuitable colour profile dropped")
        icc = None
    if icc is None and image.mode != "LAB":
        return rgb(image)
    if image.mode == "L" and icc is not None and icc[16:20] == b"RGB ":
        image = image.convert("RGB")
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc) if icc else ImageCms.createProfile("LAB"))
        if image.mode == "RGB" and _shows_srgb(profile):
            return image
        converted = _convert(image, profile)
    except (OSError, ImageCms.PyCMSError):
        lost.append("damaged colour profile dropped")
        return rgb(image)
    if image.mode in ("L", "RGB"):
        lost.append("colours converted to sRGB")
        if image.mode == "L" or only_greys(array_of(image)):
            return converted.getchannel("G")  # one channel: rounding must not tint it
    return converted


def _convert(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """Return an image of the colours of a profile in sRGB."""
    converted = ImageCms.profileToProfile(
        image,
        profile,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return image if converted is None else converted


def _shows_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Return whether a profile shows a grid of all colours as sRGB does, within 1/255."""
    shades = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(shades, shades, shades), axis=-1).reshape(_STEPS, -1, 3)
    shown = np.asarray(_convert(Image.fromarray(grid), profile))
    return bool(np.abs(shown.astype(int) - grid).max() <= 1)


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
