"""Write pictures: which file one becomes, and what that file holds."""

import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from unlearnable.errors import OutputError
from unlearnable.imaging import picture as pictures
from unlearnable.imaging.metadata import prohibit, safe_exif
from unlearnable.imaging.opening import pillow_settings
from unlearnable.imaging.picture import Compression, Picture, SomeRows, array_of, on_white, only_greys, strips
from unlearnable.settings import Platform
from unlearnable.storage.files import atomic

FileFormat = Literal["png", "webp", "jpeg"]
KeepMetadata = Literal["none", "safe", "all"]
MAX_SIDE: dict[FileFormat, int] = {"webp": 16_383, "jpeg": 65_500}  # of libwebp and libjpeg, in pixels
_JPEG_MAX_BLOCK = 65_000  # a JPEG segment holds no more than 65,533 bytes, its own heading included

LOWEST = 85  # quality of a copy where the source's is lower: of the noise on web-size photos 0.76 survives, at 72 0.67
UNTOLD = 90  # of a lossy source that does not tell its quality
_OF_LOSSLESS = Compression(95, subsampling=0)  # of a lossless source, where a JPEG is asked for

# A protected photo of 12 megapixels, whose noise hardly compresses: PNG takes 0.9 s and 18.4 MB at level 1, 1.8 s and
# 17.8 MB at 4, 5.2 s and 17.3 MB at 6; WebP 0.6 s and 12.8 MB by method 0, 2.0 s and 12.1 MB by 1.
_PNG_LEVEL = 4
_WEBP_EFFORT = {"lossless": True, "method": 1, "quality": 20}


@dataclass(frozen=True)
class Encoding:
    """How a picture is written."""

    file_format: FileFormat
    quality: int | None = None  # of a lossy file, 1 to 100; None for a lossless one
    subsampling: int = 0  # of a JPEG's chroma, as Pillow counts it: 0 for 4:4:4 to 2 for 4:2:0
    progressive: bool = False  # of a JPEG

    @property
    def suffix(self) -> str:
        """The suffix of the file, with its dot."""
        return ".jpg" if self.file_format == "jpeg" else f".{self.file_format}"

    @property
    def lossless(self) -> bool:
        """Whether every pixel is kept."""
        return self.quality is None


def choose_encoding(
    picture: Picture, wanted: Literal["auto", "png", "webp", "jpeg"], platform: Platform | None = None
) -> Encoding:
    """Choose how to write a picture; as "png" and "webp" without loss.

    "auto" gives back the source's kind: WebP for WebP, lossy or not as that is; JPEG for other lossy photos (JPEG,
    HEIF, AVIF), unless they are transparent; PNG for all others. For a platform it is JPEG, of the platform's quality;
    else the quality is that of the source, at least `LOWEST`.
    """
    lossy = picture.compression is not None
    file_format: FileFormat = "jpeg" if platform is not None or (lossy and picture.alpha is None) else "png"
    if wanted != "auto":
        file_format = wanted
    elif platform is None and picture.file_format == "WEBP" and max(picture.pixels.shape) <= MAX_SIDE["webp"]:
        file_format = "webp"
    lossless_webp = file_format == "webp" and (wanted == "webp" or not lossy)
    if file_format == "png" or lossless_webp:
        return Encoding(file_format)
    if platform is not None:
        return Encoding(file_format, platform.quality, pictures.HALF_COLOUR)
    source = picture.compression or _OF_LOSSLESS
    return Encoding(file_format, max(source.quality or UNTOLD, LOWEST), source.subsampling, source.progressive)


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
    picture is laid on white. A picture in greys is written in one channel, and alpha, where the format has such a mode.
    No colour profile is written: the pixels are in sRGB. Of the metadata, "none" keeps nothing, "safe" what
    `safe_exif` lets pass, "all" the EXIF and XMP blocks (including the EXIF thumbnail, which shows the photo as it
    was). Text chunks are never written. With `opt_out` the XMP, kept or new, also prohibits AI training.

    Raises:
        OutputError: the file cannot be written, or the format cannot hold a picture of this size.
    """
    options = _metadata(picture, encoding.file_format, keep_metadata, opt_out)
    with atomic(path) as temporary:
        try:
            with temporary.open("wb") as file:
                _save(picture, file, encoding, options, rows)
        except ValueError as error:
            raise OutputError(f"cannot write {path}: {error}", hint="choose another `format`") from error


def through(picture: Picture, encoding: Encoding) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) that a file of `picture` would be decoded to; nothing is written."""
    file = io.BytesIO()
    _save(picture, file, encoding, {})
    with pillow_settings(), Image.open(file, formats=("PNG", "WEBP", "JPEG")) as image:
        return array_of(image if image.mode == "RGB" else image.convert("RGB"))


def _save(
    picture: Picture, file: IO[bytes], encoding: Encoding, options: dict[str, Any], rows: SomeRows | None = None
) -> None:
    file_format = encoding.file_format
    if file_format == "jpeg" and rows is None:
        picture = on_white(picture)
    pixels: SomeRows = picture.pixels if rows is None else rows
    grey = file_format != "webp" and only_greys(pixels)
    image = _image(pixels, picture)
    if grey:
        image = image.convert(image.mode.replace("RGB", "L"))  # of equal channels exactly the one
    if not encoding.lossless:
        options["quality"] = encoding.quality
    if file_format == "png":
        options["compress_level"] = _PNG_LEVEL
    elif file_format == "webp":
        options |= {"exact": True, **(_WEBP_EFFORT if encoding.lossless else {})}
    else:
        options |= {"progressive": encoding.progressive, "optimize": True}
        options |= {} if grey else {"subsampling": encoding.subsampling}
    room = 2 * picture.pixels.size if file_format == "jpeg" else 0  # by itself Pillow takes too little for noise
    with pillow_settings(room):
        image.save(file, file_format.upper(), **options)


def _image(pixels: SomeRows, picture: Picture) -> Image.Image:
    """Return an image of the pixels with the picture's alpha, made of strips: few megabytes more than itself."""
    image = Image.new("RGB" if picture.alpha is None else "RGBA", (picture.width, picture.height))
    for rows in strips(picture.height, picture.width):
        strip = pixels[rows] if picture.alpha is None else np.dstack([pixels[rows], picture.alpha[rows]])
        image.paste(Image.fromarray(strip), (0, rows.start))
    return image


def _metadata(picture: Picture, file_format: FileFormat, keep: KeepMetadata, opt_out: bool) -> dict[str, Any]:
    """Return the arguments of Pillow's `save` for the metadata; kept blocks too long for a JPEG are left out."""
    exif, xmp = picture.exif, picture.xmp
    if keep != "all":
        exif, xmp = (safe_exif(exif) if exif and keep == "safe" else None), None
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
