"""A decoded photo, its arrays, and how its file was compressed."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin
from PIL.ImageFile import ImageFile

_STRIP_PIXELS = 1 << 16  # floats of three channels fit the processor's cache; several times faster than whole pictures


def strips(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows that make up a picture."""
    step = max(1, _STRIP_PIXELS // width)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


class Rows:
    """The rows of an image of 8 bits; only those that are asked for become an array."""

    def __init__(self, image: Image.Image) -> None:
        image.load()
        self._image = image
        self.shape = image.height, image.width, len(image.getbands())

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Return some rows: (h, w), or (h, w, c) if the image has several channels."""
        width, channels = self._image.width, len(self._image.getbands())
        start, stop, _ = rows.indices(self._image.height)
        pixels = np.empty((stop - start, width, channels), np.uint8)
        for part in strips(stop - start, width):
            raw = self._image.crop((0, start + part.start, width, start + part.stop)).tobytes()
            pixels[part] = np.frombuffer(raw, np.uint8).reshape(-1, width, channels)
        return pixels[..., 0] if channels == 1 else pixels


def array_of(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an image of 8 bits: (h, w), or (h, w, c) if it has several channels."""
    return Rows(image)[:]


def rgb(image: Image.Image) -> Image.Image:
    """Return an image in RGB; itself if it is."""
    return image if image.mode == "RGB" else image.convert("RGB")


class SomeRows(Protocol):
    """A picture (h, w, c), or what becomes one row by row."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the height, the width and the number of channels."""

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Return some rows."""


def differ(first: SomeRows, second: NDArray[np.uint8]) -> bool:
    """Return whether two pictures (h, w, ...) of one size differ anywhere."""
    return any(not np.array_equal(first[rows], second[rows]) for rows in strips(*second.shape[:2]))


def only_greys(pixels: SomeRows) -> bool:
    """Return whether all three channels of (h, w, 3) pixels are equal in every pixel."""
    for rows in strips(*pixels.shape[:2]):  # of most photos the first one tells
        part = pixels[rows]
        red, green, blue = (part[..., channel] for channel in range(3))
        if not (np.array_equal(red, green) and np.array_equal(red, blue)):
            return False
    return True


@dataclass(frozen=True, eq=False)
class Picture:
    """One upright picture.

    Attributes:
        pixels: (h, w, 3) uint8 sRGB.
        alpha: (h, w) uint8, 0 is transparent; None if the picture is opaque.
        exif: EXIF block of the source with the orientation set to 1, beginning with `Exif\\0\\0`.
        xmp: XMP packet of the source with the orientation set to 1.
        file_format: "JPEG", "MPO", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF" or "BMP".
        lost: notes for the user on what the source had and this picture lacks.
        compression: how the source was compressed; None for a lossless one.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    exif: bytes | None
    xmp: bytes | None
    file_format: str
    lost: tuple[str, ...] = ()
    compression: Compression | None = None

    @property
    def width(self) -> int:
        """The width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """The height in pixels."""
        return int(self.pixels.shape[0])


HALF_COLOUR = 2  # Pillow's number for 4:2:0: chroma at half the width and height, as most cameras write it

# The luminance table of the JPEG standard (ITU-T T.81, table K.1), which the IJG's quality scales.
_STANDARD = np.array(
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
    """What the lossy compression of a file is known by.

    Attributes:
        quality: quality on the IJG's scale, 1 to 100; None for files that do not tell (WebP, HEIF, AVIF).
        subsampling: chroma subsampling as Pillow counts it, 0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0.
        progressive: whether it is a progressive JPEG.
    """

    quality: int | None
    subsampling: int = HALF_COLOUR
    progressive: bool = False


def compression_of(image: ImageFile, file: IO[bytes]) -> Compression | None:
    """Return how an opened photo was compressed; None for formats without loss. `file` is what it was opened from."""
    if isinstance(image, JpegImagePlugin.JpegImageFile):  # MPO too
        known = _sampling(image)
        return Compression(
            quality_of(image.quantization[min(image.quantization)]) if image.quantization else None,
            known if known >= 0 else HALF_COLOUR,
            bool(image.info.get("progressive")),
        )
    lossy = image.format in ("HEIF", "AVIF") or (image.format == "WEBP" and _has_lossy_frame(file))
    return Compression(None) if lossy else None


def _sampling(image: JpegImagePlugin.JpegImageFile) -> int:
    """Return the chroma subsampling, also of CMYK; -1 for grey and for what no encoder here can repeat."""
    if image.layers == 4:
        luma, chroma = (layer[1:3] for layer in image.layer[:2])
        return {(1, 1): 0, (2, 1): 1}.get(luma, HALF_COLOUR) if chroma == (1, 1) else HALF_COLOUR
    return JpegImagePlugin.get_sampling(image)


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
        if kind == b"ANMF":  # a frame of an animation: its own fields, then chunks as above
            file.seek(16, 1)
        else:
            file.seek(size + size % 2, 1)
    return False
