"""Decode photos into upright pictures: from files, or from images and arrays in memory."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from unlearnable.errors import InputError
from unlearnable.imaging import metadata
from unlearnable.imaging.colour import separate
from unlearnable.imaging.opening import DecodeError, Failure, opened
from unlearnable.imaging.picture import Picture, compression_of

__all__ = ["DecodeError", "Kind", "Photo", "decode", "like", "pixels_of", "upright"]

Photo: TypeAlias = Image.Image | NDArray[np.uint8]
Kind = TypeVar("Kind", Image.Image, NDArray[np.uint8])
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")  # of images in memory
_OF_FILES = "for photos in a folder or a file call unlearnable.protect, or open it by PIL.Image.open"


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
        meta = metadata.read_metadata(image)
        colours = separate(image)
        return Picture(
            pixels=upright(colours.pixels, meta.orientation),
            alpha=None if colours.alpha is None else upright(colours.alpha, meta.orientation),
            exif=meta.exif,
            xmp=meta.xmp,
            file_format=str(image.format),
            lost=lost + colours.lost + meta.lost,
            compression=compression_of(image, file),
        )


def failure(path: Path) -> Failure | None:
    """Decode a photo on trial, in a worker that may be stopped; return why it cannot be decoded, None if it can."""
    try:
        decode(path)
    except DecodeError as error:
        return error.reason, error.detail
    return None


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


def pixels_of(photo: Photo, name: str) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) of a photo, uint8 sRGB, upright and without its transparency.

    Args:
        photo: a PIL image of 8 bits, or an array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), uint8.
        name: what an error calls it.

    Raises:
        InputError: it is no such photo.
    """
    if isinstance(photo, Image.Image):
        if photo.mode not in MODES:
            raise InputError(f"{name} is a picture of mode {photo.mode}", hint="convert it to RGB")
        try:
            return separate(ImageOps.exif_transpose(photo)).pixels
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
    """Return pixels (h, w, 3) as a photo of the kind of another: PIL or array, grey or RGB, with its transparency.

    An image has no colour profile: it is in sRGB.
    """
    if isinstance(photo, Image.Image):
        upright = ImageOps.exif_transpose(photo)
        image = Image.fromarray(pixels)
        if photo.mode in ("1", "L", "LA"):
            image = image.getchannel(0)
        if photo.has_transparency_data:
            image.putalpha(upright.convert("RGBA").getchannel("A"))
        return image
    array = np.asarray(photo)
    if array.ndim == 2 or array.shape[2] == 1:
        return pixels[..., 0].reshape(array.shape)
    return np.concatenate([pixels, array[..., 3:]], axis=2)
