"""What a photo is once it is read: upright 8-bit RGB, and what has to go back into the file with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Picture:
    """One upright picture.

    Attributes:
        pixels: (h, w, 3) uint8 RGB, in the colours of `icc`, or sRGB where that is None.
        alpha: (h, w) uint8, 0 is transparent; None where all is opaque.
        icc: the RGB colour profile, needed to show `pixels` right.
        exif: the source's EXIF block with the orientation set to 1, beginning with `Exif\\0\\0`.
        xmp: the source's XMP packet, likewise upright.
        file_format: "JPEG", "MPO", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF" or "BMP".
        depth: bits a channel in the source.
        lost: notes for people on what the source had and this has not.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    icc: bytes | None
    exif: bytes | None
    xmp: bytes | None
    file_format: str
    depth: int
    lost: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.pixels.shape[0])
