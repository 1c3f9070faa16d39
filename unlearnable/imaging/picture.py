"""A decoded photo, its rows as arrays, and how its file was compressed."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin
from PIL.ImageFile import ImageFile

HALF_COLOUR = 2  # Pillow's number for 4:2:0: chroma at half the width and height, as most cameras write it
_STRIP_PIXELS = 1 << 16  # floats of three channels fit the processor's cache; several times faster than whole pictures
_STANDARD = np.array(  # luminance table of the JPEG standard (ITU-T T.81, table K.1), which the IJG's quality scales
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()


@dataclass(frozen=True)
class Compression:
    """How a lossy file was compressed."""

    quality: int | None  # on the IJG's scale, 1 to 100; None for WebP, HEIF and AVIF, which do not tell
    subsampling: int = HALF_COLOUR  # of chroma, as Pillow counts it: 0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0
    progressive: bool = False


@dataclass(frozen=True, eq=False)
class Picture:
    """One upright picture in sRGB, and the metadata that is written back with it."""

    pixels: NDArray[np.uint8]  # (h, w, 3)
    alpha: NDArray[np.uint8] | None  # (h, w), 0 is transparent; None if the picture is opaque
    exif: bytes | None  # block of the source with the orientation set to 1, beginning with Exif\0\0
    xmp: bytes | None  # packet of the source with the orientation set to 1
    file_format: str  # JPEG, MPO, PNG, WEBP, HEIF, AVIF, TIFF, GIF or BMP
    lost: tuple[str, ...] = ()  # notes for the user on what the source had and this picture lacks
    compression: Compression | None = None  # None for a lossless source

    @property
    def width(self) -> int:
        """The width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """The height in pixels."""
        return int(self.pixels.shape[0])


def on_white(picture: Picture) -> Picture:
    """Return an opaque picture: this one, on white where it is transparent."""
    if picture.alpha is None:
        return picture
    white = Image.new("RGB", (picture.width, picture.height), "white")
    white.paste(Image.fromarray(picture.pixels), mask=Image.fromarray(picture.alpha))
    return replace(picture, pixels=np.array(white), alpha=None, lost=(*picture.lost, "transparent parts laid on white"))


class SomeRows(Protocol):
    """A picture (h, w, c), or what becomes one row by row."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the height, the width and the number of channels."""

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Return some rows."""


class Rows:
    """The rows of an image of 8 bits; only those that are asked for become an array."""

    def __init__(self, image: Image.Image) -> None:
        image.load()
        self._image = image
        self.shape = image.height, image.width, len(image.getbands())

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Return some rows: (h, w), or (h, w, c) if the image has several channels."""
        height, width, channels = self.shape
        start, stop, _ = rows.indices(height)
        pixels = np.empty((stop - start, width, channels), np.uint8)
        for part in strips(stop - start, width):
            raw = self._image.crop((0, start + part.start, width, start + part.stop)).tobytes()
            pixels[part] = np.frombuffer(raw, np.uint8).reshape(-1, width, channels)
        return pixels[..., 0] if channels == 1 else pixels


def array_of(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an image of 8 bits: (h, w), or (h, w, c) if it has several channels."""
    return Rows(image)[:]


def strips(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows that make up a picture."""
    step = max(1, _STRIP_PIXELS // width)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def differ(first: SomeRows, second: NDArray[np.uint8]) -> bool:
    """Return whether two pictures (h, w, ...) of one size differ anywhere."""
    return any(not np.array_equal(first[rows], second[rows]) for rows in strips(*second.shape[:2]))


def only_greys(pixels: SomeRows) -> bool:
    """Return whether all three channels of (h, w, 3) pixels are equal in every pixel."""
    parts = (pixels[rows] for rows in strips(*pixels.shape[:2]))  # of most photos the first one tells
    return all(np.array_equal(part[..., 0], part[..., c]) for part in parts for c in (1, 2))


def compression_of(image: ImageFile, file: IO[bytes]) -> Compression | None:
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
    distances = [int(np.abs(_scaled(quality) - np.asarray(table)).sum()) for quality in range(1, 101)]
    return 100 - int(np.argmin(distances[::-1]))


def _scaled(quality: int) -> NDArray[np.int64]:
    """Return the luminance table of a quality, as the IJG's `jpeg_set_quality` makes it."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.asarray(np.clip((_STANDARD * scale + 50) // 100, 1, 255))


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
