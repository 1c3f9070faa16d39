"""Write a `Picture` to a file: lossless PNG or WebP, or JPEG for those who need it; greys in one channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, PngImagePlugin

from unlearnable.errors import OutputError
from unlearnable.files import atomic
from unlearnable.imaging import metadata
from unlearnable.imaging.grey import fits_one_channel
from unlearnable.imaging.picture import Picture

FileFormat = Literal["png", "webp", "jpeg"]
KeepMetadata = Literal["none", "safe", "all"]

SUFFIXES: dict[FileFormat, str] = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}
WEBP_MAX_SIDE = 16383
_JPEG_MAX_BLOCK = 65_000  # a JPEG segment holds no more than 65,533 bytes, its own heading included

# CPU seconds and size, measured on protected photos (noise hardly compresses) of 500 x 375 and of 12 megapixels:
#   PNG   level 1: 0.02 s 415 kB, 0.9 s 18.4 MB  3: 0.02 s 413 kB, 1.4 s 17.8 MB  4: 0.03 s 391 kB, 1.8 s 17.8 MB
#         level 6: 0.04 s 391 kB, 5.2 s 17.3 MB   9: 0.04 s 391 kB
#   WebP  method 0: 0.01 s 373 kB, 0.6 s 12.8 MB  1: 0.02 s 358 kB, 2.0 s 12.1 MB    4: 0.10 s 347 kB
_PNG_LEVEL = 4
_WEBP_EFFORT = {"method": 1, "quality": 20}


def suffix_of(file_format: FileFormat) -> str:
    """Return the suffix of a file in `file_format`, with its dot."""
    return SUFFIXES[file_format]


def choose_format(picture: Picture, wanted: Literal["auto", "png", "webp", "jpeg"]) -> FileFormat:
    """Return the format to write `picture` in. "auto" is lossless: WebP for a WebP source, otherwise PNG.

    WebP allows at most 16,383 pixels a side; "auto" chooses PNG for anything larger.
    """
    if wanted != "auto":
        return wanted
    fits = max(picture.width, picture.height) <= WEBP_MAX_SIDE
    return "webp" if picture.file_format == "WEBP" and fits else "png"


def encode(picture: Picture, path: Path, file_format: FileFormat, *, quality: int, keep_metadata: KeepMetadata) -> None:
    """Write `picture` to `path` atomically.

    PNG and WebP preserve every RGB and alpha value, even under full transparency. JPEG is
    4:4:4 at `quality` (1 to 100, ignored for the other formats) and has no alpha: the picture is
    laid on white. A picture in greys is written in one channel, and alpha, where the format has such
    a mode and no colour profile is needed; otherwise the profile is always written. Of the metadata,
    "none" keeps nothing, "safe" the tags listed in `metadata.SAFE_TAGS` and `SAFE_EXIF_TAGS`, "all" the
    EXIF and XMP blocks (including the EXIF thumbnail, which shows the photo as it was). Text chunks are never written.

    Raises:
        OutputError: the file cannot be written, or the format cannot hold a picture of this size.
    """
    options = _metadata(picture, file_format, keep_metadata)
    image = _image(picture, file_format)
    if file_format != "webp" and fits_one_channel(picture):
        image = image.convert(image.mode.replace("RGB", "L"))  # of equal channels exactly the one
    elif picture.icc is not None:
        options["icc_profile"] = picture.icc
    match file_format:
        case "png":
            options["compress_level"] = _PNG_LEVEL
        case "webp":
            options |= {"lossless": True, "exact": True, **_WEBP_EFFORT}
        case "jpeg":
            options |= {"quality": quality, "subsampling": 0}
    with atomic(path) as temporary:
        try:
            image.save(temporary, file_format.upper(), **options)
        except ValueError as error:
            raise OutputError(f"cannot write {path}: {error}", hint="choose another --format") from error


def _image(picture: Picture, file_format: FileFormat) -> Image.Image:
    if picture.alpha is None:
        return Image.fromarray(picture.pixels)
    image = Image.fromarray(np.dstack([picture.pixels, picture.alpha]))
    if file_format != "jpeg":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _metadata(picture: Picture, file_format: FileFormat, keep: KeepMetadata) -> dict[str, Any]:
    """Return the arguments of Pillow's `save` for the metadata to keep; blocks too long for a JPEG are left out."""
    exif, xmp = picture.exif, picture.xmp
    if keep != "all":
        exif, xmp = (metadata.safe(exif) if exif and keep == "safe" else None), None
    if file_format == "jpeg":
        exif, xmp = (block if block and len(block) <= _JPEG_MAX_BLOCK else None for block in (exif, xmp))
    options: dict[str, Any] = {} if exif is None else {"exif": exif}
    if xmp is not None and file_format == "png":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        options["pnginfo"] = chunks
    elif xmp is not None:
        options["xmp"] = xmp
    return options
