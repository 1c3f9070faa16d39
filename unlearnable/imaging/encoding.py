"""Which file a picture is written to: the kind and quality of its source, or what the user asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unlearnable.config import Platform
from unlearnable.imaging.compression import HALF_COLOUR, Compression
from unlearnable.imaging.picture import Picture

FileFormat = Literal["png", "webp", "jpeg"]
SUFFIXES: dict[FileFormat, str] = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}
WEBP_MAX_SIDE = 16383
MAX_SIDE: dict[FileFormat, int] = {"webp": WEBP_MAX_SIDE, "jpeg": 65_500}  # of libwebp and libjpeg, in pixels

LOWEST = 85  # quality of a copy where the source's is lower: of the noise on web-size photos 0.76 survives, at 72 0.67
UNTOLD = 90  # of a lossy source that does not tell its quality
OF_LOSSLESS = Compression(95, subsampling=0)  # of a lossless source, where a JPEG is asked for


@dataclass(frozen=True)
class Encoding:
    """How a picture is written.

    Attributes:
        file_format: format of the file.
        quality: quality of a lossy file, 1 to 100; None for a lossless one.
        subsampling: chroma subsampling of a JPEG as Pillow counts it, 0 for 4:4:4 to 2 for 4:2:0.
        progressive: whether a JPEG is progressive.
    """

    file_format: FileFormat
    quality: int | None = None
    subsampling: int = 0
    progressive: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of the file, with its dot."""
        return SUFFIXES[self.file_format]

    @property
    def lossless(self) -> bool:
        """Whether every pixel is kept."""
        return self.quality is None


def choose_encoding(
    picture: Picture,
    wanted: Literal["auto", "png", "webp", "jpeg"],
    quality: int | None = None,
    platform: Platform | None = None,
) -> Encoding:
    """Choose how to write a picture.

    "auto" gives back the source's kind: WebP for WebP, lossy or not as that is; JPEG for other lossy photos (JPEG,
    HEIF, AVIF), unless they are transparent; PNG for all others. For a platform it is JPEG.

    Args:
        picture: the decoded source.
        wanted: a format, or "auto"; "png" and "webp" are lossless.
        quality: quality of lossy files; by default the platform's, or the source's and no lower than `LOWEST`.
        platform: where the photo will be posted.
    """
    file_format = _kind(picture, platform) if wanted == "auto" else wanted
    lossless_webp = file_format == "webp" and (wanted == "webp" or picture.compression is None)
    if file_format == "png" or lossless_webp:
        return Encoding(file_format)
    if platform is not None:
        return Encoding(file_format, quality or platform.quality, HALF_COLOUR)
    source = picture.compression or OF_LOSSLESS
    chosen = quality or max(source.quality or UNTOLD, LOWEST)
    return Encoding(file_format, chosen, source.subsampling, source.progressive)


def _kind(picture: Picture, platform: Platform | None) -> FileFormat:
    if platform is not None:
        return "jpeg"
    if picture.file_format == "WEBP" and max(picture.width, picture.height) <= WEBP_MAX_SIDE:
        return "webp"
    return "png" if picture.compression is None or picture.alpha is not None else "jpeg"
