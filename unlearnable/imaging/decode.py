"""Decode photos into upright pictures in 8-bit sRGB: from files, or from images and arrays in memory."""

import io
import struct
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import IO, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, ImageOps, JpegImagePlugin

from unlearnable.errors import InputError
from unlearnable.imaging import metadata
from unlearnable.imaging.opening import DecodeError, opened
from unlearnable.imaging.picture import HALF_COLOUR, Compression, Picture, array_of, only_greys

__all__ = ["DecodeError", "Kind", "Photo", "decode", "like", "pixels_of", "upright"]

Photo: TypeAlias = Image.Image | NDArray[np.uint8]
Kind = TypeVar("Kind", Image.Image, NDArray[np.uint8])
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")  # of images in memory
_OF_FILES = "for photos in a folder or a file call unlearnable.protect, or open it by PIL.Image.open"
_STEPS = 17  # shades a channel, of the colours by which a profile is compared with sRGB
_LUMINANCE = np.array(  # table of the JPEG standard (ITU-T T.81, table K.1), which the IJG's quality scales
    [
        [16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()


def decode(path: Path) -> Picture:
    """Read a photo: upright, in 8-bit sRGB, and only the main frame if there are several.

    Threads may call this at the same time but take turns; use processes to decode in parallel.

    Raises:
        DecodeError: the file cannot be decoded; no other error is raised.
    """
    with opened(path) as (image, file, start):
        # A HEIF file may name a picture other than its first as the main one.
        lost: tuple[str, ...] = ("only the main frame kept",) if getattr(image, "is_animated", False) else ()
        image.load()
        if (depth := _depth(image, start)) > 8:
            lost += (f"{depth} bits reduced to 8",)
        if image.format == "PNG" and image.mode != "P" and "transparency" in image.info:
            image.info["transparency"] = _in_8_bits(image.info["transparency"], depth)
        orientation, exif, xmp, damaged = metadata.read_metadata(image)
        pixels, alpha, converted = _separate(image)
        return Picture(
            pixels=upright(pixels, orientation),
            alpha=None if alpha is None else upright(alpha, orientation),
            exif=exif,
            xmp=xmp,
            file_format=str(image.format),
            lost=lost + converted + damaged,
            compression=_compression_of(image, file),
        )


def upright(array: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn an array (h, w, ...) so that the top according to EXIF `orientation` (1 to 8) is at the top."""
    if orientation >= 5:  # transposed, then as below
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _depth(image: ImageFile.ImageFile, start: bytes) -> int:
    """Return the bits per channel of the source; Pillow itself delivers 8 for most pictures."""
    if image.format == "PNG":
        return start[24]  # of the header, which Pillow does not keep
    bits = image.getexif().get(258, 8) if image.format == "TIFF" else image.info.get("bit_depth", 8)
    return max(bits) if isinstance(bits, tuple) else int(bits)


def _in_8_bits(clear: int | tuple[int, ...], depth: int) -> int | tuple[int, ...]:
    """Return the transparent colour of a PNG at the depth of its pixels: Pillow takes their high byte."""
    if isinstance(clear, tuple):
        return tuple(value >> (depth - 8) for value in clear)
    most = (1 << depth) - 1
    return (clear * 255 + most // 2) // most


# Colours and transparency


def _separate(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, tuple[str, ...]]:
    """Split a loaded picture into sRGB (h, w, 3), alpha (h, w; None if it is opaque), and notes on what was lost.

    A colour profile is applied, and dropped. Only that of a file counts: gamma chunks of PNG and the numbers that HEIC
    and AVIF name their colours by do not. An alpha channel that is opaque throughout counts as none: WebP would not
    keep it.
    """
    icc = image.info.get("icc_profile") or None
    if image.mode in ("I", "F"):
        raise DecodeError("unsupported", "it has 32 bits a channel")
    if image.mode.startswith("I;16"):
        clear = image.info.get("transparency")
        image = Image.fromarray(((np.asarray(image, np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
        image.info |= {} if clear is None else {"transparency": clear}
    kind = {"1": "L", "LA": "L", "La": "L"}.get(image.mode, image.mode)
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = array_of(image.getchannel("A"))
        alpha = None if alpha.min() == 255 else alpha
        image = image.getchannel("R") if kind == "L" else image.convert("RGB")
    else:
        image = image.convert(kind if kind in ("L", "CMYK") else "RGB")
    converted, lost = (image, ()) if icc is None else _in_srgb(image, icc)
    return array_of(converted.convert("RGB")), alpha, lost


def _in_srgb(image: Image.Image, icc: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """Return an image (L, RGB or CMYK) in sRGB, through its colour profile if that is sound, with a note.

    Greys stay greys. A profile that shows every colour as sRGB does, within 1/255, changes no pixel.
    """
    try:
        if image.mode == "L" and icc[16:20] == b"RGB ":
            image = image.convert("RGB")
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if image.mode == "RGB" and _shows_srgb(profile):
            return image, ()
        converted = _convert(image, profile)
    except (OSError, ImageCms.PyCMSError):
        return image, ("unusable colour profile dropped",)
    if image.mode == "L" or (image.mode == "RGB" and only_greys(array_of(image))):
        converted = converted.getchannel("G")  # one channel: rounding must not tint it
    return converted, ("colours converted to sRGB",)


def _convert(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """Return an image of the colours of a profile in sRGB."""
    target, intent = ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    converted = ImageCms.profileToProfile(image, profile, target, intent, "RGB", flags=flags)
    return image if converted is None else converted


def _shows_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Return whether a profile shows a grid of all colours as sRGB does, within 1/255."""
    shades = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(shades, shades, shades), axis=-1).reshape(_STEPS, -1, 3)
    shown = np.asarray(_convert(Image.fromarray(grid), profile))
    return bool(np.abs(shown.astype(int) - grid).max() <= 1)


# Compression


def _compression_of(image: ImageFile.ImageFile, file: IO[bytes]) -> Compression | None:
    """Return how an opened photo was compressed; None for formats without loss. `file` is what it was opened from."""
    if isinstance(image, JpegImagePlugin.JpegImageFile):  # MPO too
        sampling = JpegImagePlugin.get_sampling(image)  # -1 for grey and for samplings that no encoder here repeats
        return Compression(
            quality_of(image.quantization[min(image.quantization)]) if image.quantization else None,
            sampling if sampling >= 0 else HALF_COLOUR,
            bool(image.info.get("progressive")),
        )
    lossy = image.format in ("HEIF", "AVIF") or (image.format == "WEBP" and _has_lossy_frame(file))
    return Compression(None) if lossy else None


def quality_of(table: Sequence[int]) -> int:
    """Return the quality whose luminance table is nearest to this one of 64 steps; of equally near ones the highest."""
    scales = [5000 // quality if quality < 50 else 200 - 2 * quality for quality in range(1, 101)]  # as libjpeg does
    tables = np.clip((_LUMINANCE * np.array(scales)[:, None] + 50) // 100, 1, 255)
    distances = np.abs(tables - np.asarray(table)).sum(axis=1)
    return 100 - int(np.argmin(distances[::-1]))


def _has_lossy_frame(file: IO[bytes]) -> bool:
    """Return whether the first picture of a WebP file is lossy: in a chunk `VP8 ` rather than `VP8L`."""
    file.seek(12)
    while len(header := file.read(8)) == 8:
        kind, size = header[:4], struct.unpack("<L", header[4:])[0]
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8 "
        # A frame of an animation holds its own fields, then chunks as above.
        file.seek(16 if kind == b"ANMF" else size + size % 2, 1)
    return False


# Photos in memory


def pixels_of(photo: Photo, name: str) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) of a photo, uint8 sRGB, upright and without its transparency.

    A photo is a PIL image of 8 bits, or an array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), uint8.

    Raises:
        InputError: it is no such photo; the error calls it `name`.
    """
    if isinstance(photo, Image.Image):
        if photo.mode not in MODES:
            raise InputError(f"{name} is a picture of mode {photo.mode}", hint="convert it to RGB")
        try:
            return _separate(ImageOps.exif_transpose(photo))[0]
        except Exception as error:  # a file that is damaged, or closed, is read here
            raise InputError(f"{name} cannot be read: {error}", hint="give another file, or leave it out") from error
    if isinstance(photo, (str, PathLike)):
        raise InputError(f"{name} is a path, {photo}; this takes PIL images or arrays", hint=_OF_FILES)
    array = np.asarray(photo)
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in (1, 3, 4) or not array.size:
        raise InputError(f"{name} is an array of {array.dtype}, {array.shape}", hint="give uint8 of (height, width, 3)")
    colours = array.reshape(*array.shape[:2], -1)[..., :3]
    return np.ascontiguousarray(np.broadcast_to(colours, (*array.shape[:2], 3)))


def like(photo: Kind, pixels: NDArray[np.uint8]) -> Kind:
    """Return pixels (h, w, 3) as a photo of the kind of another: PIL or array, grey or RGB, with its transparency."""
    if isinstance(photo, Image.Image):
        upright = ImageOps.exif_transpose(photo)
        image = Image.fromarray(pixels)  # without a colour profile: it is in sRGB
        if photo.mode in ("1", "L", "LA"):
            image = image.getchannel(0)
        if photo.has_transparency_data:
            image.putalpha(upright.convert("RGBA").getchannel("A"))
        return image
    array = np.asarray(photo)
    if array.ndim == 2 or array.shape[2] == 1:
        return pixels[..., 0].reshape(array.shape)
    return np.concatenate([pixels, array[..., 3:]], axis=2)
