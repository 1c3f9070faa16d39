"""A decoded photo: upright 8-bit RGB, and the metadata that is written back with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unlearnable.imaging.compression import Compression


@dataclass(frozen=True, eq=False)
class Picture:
    """One upright picture.

    Attributes:
        pixels: (h, w, 3) uint8 RGB, in the colour space of `icc`, or in sRGB if that is None.
        alpha: (h, w) uint8, 0 is transparent; None if the picture is opaque.
        icc: RGB colour profile of `pixels`.
        exif: EXIF block of the source with the orientation set to 1, beginning with `Exif\\0\\0`.
        xmp: XMP packet of the source with the orientation set to 1.
        file_format: "JPEG", "MPO", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF" or "BMP".
        lost: notes for the user on what the source had and this picture lacks.
        compression: how the source was compressed; None for a lossless one.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    icc: bytes | None
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
