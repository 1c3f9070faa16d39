"""Convert any colour mode of a decoded picture to 8-bit sRGB and alpha, with notes on what was lost."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from unlearnable.imaging.opening import DecodeError
from unlearnable.imaging.picture import array_of, only_greys

_NOTES = {
    "P": "palette not kept",
    "CMYK": "CMYK converted to sRGB",
    "YCbCr": "YCbCr converted to RGB",
}
_STEPS = 17  # shades a channel, of the colours by which a profile is compared with sRGB


class Colours(NamedTuple):
    """Colours and transparency of a picture."""

    pixels: NDArray[np.uint8]  # (h, w, 3) sRGB
    alpha: NDArray[np.uint8] | None  # (h, w); None if the picture is opaque
    lost: tuple[str, ...]  # notes on what the conversion lost


def separate(image: Image.Image) -> Colours:
    """Split a loaded picture into sRGB and alpha.

    A colour profile is applied, and dropped. Only that of a file counts: gamma chunks of PNG and the numbers that HEIC
    and AVIF name their colours by do not. An alpha channel that is opaque throughout counts as none: WebP would not
    keep it.

    Raises:
        DecodeError: the picture has 32 bits a channel.
    """
    lost: list[str] = []
    icc = image.info.get("icc_profile") or None
    if image.mode in ("I", "F"):
        raise DecodeError("unsupported", "it has 32 bits a channel")
    if image.mode.startswith("I;16"):
        image = Image.fromarray(((np.asarray(image, np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    kind = {"1": "L", "LA": "L", "La": "L", "PA": "P"}.get(image.mode, image.mode)
    if kind in _NOTES:
        lost.append(_NOTES[kind])
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = array_of(image.getchannel("A"))
        alpha = None if alpha.min() == 255 else alpha
        image = image.getchannel("R") if kind == "L" else image.convert("RGB")
    else:
        image = image.convert(kind if kind in ("L", "CMYK") else "RGB")
    return Colours(array_of(_in_srgb(image, icc, lost).convert("RGB")), alpha, tuple(lost))


def _in_srgb(image: Image.Image, icc: bytes | None, lost: list[str]) -> Image.Image:
    """Return an image (L, RGB or CMYK) in sRGB, through its colour profile if that is sound; greys stay greys.

    A profile that shows every colour as sRGB does, within 1/255, changes no pixel.
    """
    if icc is None:
        return image
    try:
        if image.mode == "L" and icc[16:20] == b"RGB ":
            image = image.convert("RGB")
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if image.mode == "RGB" and _shows_srgb(profile):
            return image
        converted = _convert(image, profile)
    except (OSError, ImageCms.PyCMSError):
        lost.append("unusable colour profile dropped")
        return image
    if image.mode != "CMYK":
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
