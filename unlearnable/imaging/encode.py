"""Write a `Picture` to a file: PNG, WebP or JPEG; greys in one channel."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin

from unlearnable.disk.files import atomic
from unlearnable.errors import OutputError
from unlearnable.imaging import metadata
from unlearnable.imaging.arrays import Rows, SomeRows, rgb, strips
from unlearnable.imaging.encoding import SUFFIXES, Encoding, FileFormat
from unlearnable.imaging.grey import fits_one_channel
from unlearnable.imaging.opening import pillow_settings
from unlearnable.imaging.opt_out import prohibit
from unlearnable.imaging.picture import Picture

KeepMetadata = Literal["none", "safe", "all"]

_JPEG_MAX_BLOCK = 65_000  # a JPEG segment holds no more than 65,533 bytes, its own heading included

# CPU seconds and size, measured on protected photos (noise hardly compresses) of 500 x 375 and of 12 megapixels:
#   PNG   level 1: 0.02 s 415 kB, 0.9 s 18.4 MB  3: 0.02 s 413 kB, 1.4 s 17.8 MB  4: 0.03 s 391 kB, 1.8 s 17.8 MB
#         level 6: 0.04 s 391 kB, 5.2 s 17.3 MB   9: 0.04 s 391 kB
#   WebP  method 0: 0.01 s 373 kB, 0.6 s 12.8 MB  1: 0.02 s 358 kB, 2.0 s 12.1 MB    4: 0.10 s 347 kB
_PNG_LEVEL = 4
_WEBP_EFFORT = {"lossless": True, "method": 1, "quality": 20}
_lock = threading.Lock()


def encode(
    picture: Picture,
    path: Path,
    encoding: Encoding,
    *,
    keep_metadata: KeepMetadata,
    opt_out: bool = False,
    rows: SomeRows | None = None,
) -> None:
    """Write `picture` to `path` atomically, with `rows` in place of its pixels where they are given.

    Lossless PNG and WebP preserve every RGB and alpha value, even under full transparency. JPEG has no alpha: the
    picture is laid on white. A picture in greys is written in one channel, and alpha, where the format has such a mode
    and no colour profile is needed; otherwise the profile is always written. Of the metadata, "none" keeps nothing,
    "safe" what `safe_tags` lets pass, "all" the EXIF and XMP blocks
    (including the EXIF thumbnail, which shows the photo as it was). Text chunks are never written. With `opt_out`
    the XMP, kept or new, also prohibits AI training.

    Raises:
        OutputError: the file cannot be written, or the format cannot hold a picture of this size.
    """
    options = _metadata(picture, encoding.file_format, keep_metadata, opt_out)
    if picture.icc is not None and not _in_one_channel(picture, encoding, rows):
        options["icc_profile"] = picture.icc
    with atomic(path) as temporary:
        try:
            with temporary.open("wb") as file:
                _save(picture, file, encoding, options, rows)
        except ValueError as error:
            raise OutputError(f"cannot write {path}: {error}", hint="choose another --format") from error


def through(picture: Picture, encoding: Encoding) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) that a file of `picture` would be decoded to; nothing is written."""
    return Encoded(picture, encoding).decoded()[:]


class Encoded:
    """A file that a picture makes, without metadata, in memory alone."""

    def __init__(self, picture: Picture, encoding: Encoding) -> None:
        self._file = io.BytesIO()
        _save(picture, self._file, encoding, {})

    def decoded(self) -> Rows:
        """Return the pixels that it is decoded to."""
        with pillow_settings(), Image.open(self._file, formats=[kind.upper() for kind in SUFFIXES]) as image:
            return Rows(rgb(image))


def on_white(picture: Picture) -> Picture:
    """Return an opaque picture: this one, on white where it is transparent."""
    if picture.alpha is None:
        return picture
    white = Image.new("RGB", (picture.width, picture.height), "white")
    white.paste(Image.fromarray(picture.pixels), mask=Image.fromarray(picture.alpha))
    return replace(picture, pixels=np.array(white), alpha=None, lost=(*picture.lost, "transparent parts laid on white"))


def _save(
    picture: Picture, file: IO[bytes], encoding: Encoding, options: dict[str, Any], rows: SomeRows | None = None
) -> None:
    file_format = encoding.file_format
    if file_format == "jpeg" and rows is None:
        picture = on_white(picture)
    if file_format == "jpeg":
        options |= {"subsampling": encoding.subsampling, "progressive": encoding.progressive, "optimize": True}
    elif file_format == "webp":
        options |= {"exact": True, **(_WEBP_EFFORT if encoding.lossless else {})}
    else:
        options["compress_level"] = _PNG_LEVEL
    if not encoding.lossless:
        options["quality"] = encoding.quality
    image = _image(picture.pixels if rows is None else rows, picture)
    if _in_one_channel(picture, encoding, rows):
        image = image.convert(image.mode.replace("RGB", "L"))  # of equal channels exactly the one
        options.pop("subsampling", None)  # of colours
    with _room_for(picture.pixels) if file_format == "jpeg" else nullcontext():
        image.save(file, file_format.upper(), **options)


def _image(pixels: SomeRows, picture: Picture) -> Image.Image:
    """Return an image of the pixels with the picture's alpha, made of strips: few megabytes more than itself."""
    image = Image.new("RGB" if picture.alpha is None else "RGBA", (picture.width, picture.height))
    for rows in strips(picture.height, picture.width):
        strip = pixels[rows] if picture.alpha is None else np.dstack([pixels[rows], picture.alpha[rows]])
        image.paste(Image.fromarray(strip), (0, rows.start))
    return image


def _in_one_channel(picture: Picture, encoding: Encoding, rows: SomeRows | None) -> bool:
    return encoding.file_format != "webp" and fits_one_channel(picture, rows)


@contextmanager
def _room_for(layers: NDArray[np.uint8]) -> Iterator[None]:
    """Give Pillow's JPEG encoder a buffer for the whole picture: the one it takes by itself is too small for noise."""
    with _lock:
        before = ImageFile.MAXBLOCK
        ImageFile.MAXBLOCK = before + 2 * layers.size
        try:
            yield
        finally:
            ImageFile.MAXBLOCK = before


def _metadata(picture: Picture, file_format: FileFormat, keep: KeepMetadata, opt_out: bool) -> dict[str, Any]:
    """Return the arguments of Pillow's `save` for the metadata; kept blocks too long for a JPEG are left out."""
    exif, xmp = picture.exif, picture.xmp
    if keep != "all":
        exif, xmp = (metadata.safe(exif) if exif and keep == "safe" else None), None
    longest = _JPEG_MAX_BLOCK if file_format == "jpeg" else sys.maxsize
    exif, xmp = (block if block and len(block) <= longest else None for block in (exif, xmp))
    if opt_out:
        joined = prohibit(xmp)
        xmp = joined if len(joined) <= longest else prohibit(None)
    options: dict[str, Any] = {} if exif is None else {"exif": exif}
    if xmp is not None and file_format == "png":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        options["pnginfo"] = chunks
    elif xmp is not None:
        options["xmp"] = xmp
    return options
