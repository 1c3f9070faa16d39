"""Pictures that are in memory: PIL images and arrays, in and out."""

from __future__ import annotations

from os import PathLike
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from unlearnable.errors import InputError
from unlearnable.imaging.colour import separate

Photo: TypeAlias = Image.Image | NDArray[np.uint8]
Kind = TypeVar("Kind", Image.Image, NDArray[np.uint8])
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
CHANNELS = (1, 3, 4)
OF_FILES = "for photos in a folder or a file call unlearnable.protect, or open it by PIL.Image.open"


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
            pixels = separate(ImageOps.exif_transpose(photo)).pixels
        except Exception as error:  # a file that is damaged, or closed, is read here
            raise InputError(f"{name} cannot be read: {error}", hint="give another file, or leave it out") from error
    elif isinstance(photo, (str, PathLike)):
        raise InputError(f"{name} is a path, {photo}; this takes PIL images or arrays", hint=OF_FILES)
    else:
        array = np.asarray(photo)
        channels = array.shape[2] if array.ndim == 3 else 1
        if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in CHANNELS or not array.size:
            raise InputError(
                f"{name} is an array of {array.dtype}, {array.shape}", hint="give uint8 of (height, width, 3)"
            )
        stacked = array.reshape(*array.shape[:2], -1)[..., :3]
        pixels = np.ascontiguousarray(np.broadcast_to(stacked, (*array.shape[:2], 3)))
    return pixels


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
