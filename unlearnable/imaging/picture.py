"""A decoded photo, its rows, its sizes, and the noise that is placed on it.

The grid of the noise covers the whole photo at the surrogate's scale, so that a surrogate which reduces the protected
photo sees the noise much as it was made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HALF_COLOUR = 2  # Pillow's number for 4:2:0: chroma at half the width and height, as most cameras write it
REDUCED_FROM = "reduced from"  # how a note begins that tells the size before
_STRIP_PIXELS = 1 << 16  # floats of three channels fit the processor's cache; several times faster than whole pictures


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


def strips(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows that make up a picture."""
    step = max(1, _STRIP_PIXELS // width)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def array_of(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an image of 8 bits: (h, w), or (h, w, c) if it has several channels."""
    pixels = np.empty((image.height, image.width, len(image.getbands())), np.uint8)
    for rows in strips(image.height, image.width):  # Pillow would copy the whole picture twice
        raw = image.crop((0, rows.start, image.width, rows.stop)).tobytes()
        pixels[rows] = np.frombuffer(raw, np.uint8).reshape(-1, *pixels.shape[1:])
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


class Noisy:
    """A photo (h, w, 3) with its noise grid (c, gh, gw); only the rows that are asked for become an array.

    The noise, of one channel or three, is enlarged as torch's `interpolate` does it, bilinear with
    `align_corners=False`, and rounded half away from zero: no value is larger than the largest of the grid (bicubic
    would overshoot from 8 to 12.8). The sum is clipped to 0..255.
    """

    def __init__(self, pixels: NDArray[np.uint8], noise: NDArray[np.int8]) -> None:
        if len(noise) not in (1, 3):
            raise ValueError(f"noise of shape {noise.shape} does not fit pixels of shape {pixels.shape}")
        self._pixels, self.shape = pixels, pixels.shape
        grid = noise.transpose(1, 2, 0)
        left, right, weight = _neighbours(pixels.shape[1], grid.shape[1])
        # `take` puts the channels of a pixel side by side, an index does not: its rows take six times as long.
        first, second = (grid.take(cells, axis=1).astype(np.float32) for cells in (left, right))
        self._wide = _between(first, second, weight[:, None])
        self._above, self._below, self._weight = _neighbours(pixels.shape[0], grid.shape[0])

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Return some rows (h, w, 3)."""
        above, below = self._wide[self._above[rows]], self._wide[self._below[rows]]
        noise = _between(above, below, self._weight[rows, None, None])
        noise += np.copysign(np.float32(0.5), noise)  # the integers below are truncated towards zero
        return np.clip(self._pixels[rows] + noise.astype(np.int16), 0, 255).astype(np.uint8)

    def whole(self) -> NDArray[np.uint8]:
        """Return all rows."""
        return np.concatenate([self[rows] for rows in strips(*self.shape[:2])])


SomeRows: TypeAlias = NDArray[np.uint8] | Noisy  # a picture (h, w, 3), or what becomes one row by row


def _neighbours(size: int, cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return, for each of `size` pixels, the two cells around it and the weight of the second; edge cells extend."""
    position = np.maximum((np.arange(size) + 0.5) * (cells / size) - 0.5, 0.0)
    first = position.astype(np.int64)
    return first, np.minimum(first + 1, cells - 1), (position - first).astype(np.float32)


def _between(
    first: NDArray[np.float32], second: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return values between two arrays, in the place of the second."""
    second -= first
    second *= weight
    second += first
    return second


def only_greys(pixels: SomeRows) -> bool:
    """Return whether all three channels of (h, w, 3) pixels are equal in every pixel."""
    parts = (pixels[rows] for rows in strips(*pixels.shape[:2]))  # of most photos the first one tells
    return all(np.array_equal(part[..., 0], part[..., c]) for part in parts for c in (1, 2))


def on_white(picture: Picture) -> Picture:
    """Return an opaque picture: this one, on white where it is transparent."""
    if picture.alpha is None:
        return picture
    white = Image.new("RGB", (picture.width, picture.height), "white")
    white.paste(Image.fromarray(picture.pixels), mask=Image.fromarray(picture.alpha))
    return replace(picture, pixels=np.array(white), alpha=None, lost=(*picture.lost, "transparent parts laid on white"))


def grid_shape(height: int, width: int, side: int) -> tuple[int, int]:
    """Return (rows, columns) of a photo's grid: the photo's aspect, a short side of at most `side`, never enlarged."""
    if min(height, width, side) < 1:
        raise ValueError(f"no grid for a photo of {height} x {width} and a side of {side}")
    short, long = sorted((height, width))
    short_grid = min(side, short)
    long_grid = max(1, (2 * long * short_grid + short) // (2 * short))  # rounded half up
    return (short_grid, long_grid) if height <= width else (long_grid, short_grid)


def working_copy(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return (h, w, 3) pixels reduced for models of `side` pixels: to twice that on the short side, for crops.

    Antialiased bicubic; the pixels themselves where they are that small already.
    """
    height, width, _ = pixels.shape
    shape = grid_shape(height, width, 2 * side)
    if shape == (height, width):
        return pixels
    return np.array(Image.fromarray(pixels).resize(shape[::-1], Image.Resampling.BICUBIC))


def resized(picture: Picture, height: int, width: int) -> Picture:
    """Return a picture in another size (Lanczos, antialiased); itself where it has that size."""
    if (height, width) == (picture.height, picture.width):
        return picture
    layers = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    image = Image.fromarray(layers).resize((width, height), Image.Resampling.LANCZOS)  # weighs colours by alpha
    return replace(
        picture,
        pixels=np.ascontiguousarray(np.asarray(image)[..., :3]),
        alpha=None if picture.alpha is None else np.array(image.getchannel("A")),
        lost=(*picture.lost, f"{REDUCED_FROM} {picture.width} x {picture.height}"),
    )


def as_copied(original: Picture, copy: Picture) -> Picture:
    """Return the original as its copy has it, but for the noise: in the same size, and opaque where the copy is."""
    picture = resized(original, copy.height, copy.width)
    return on_white(picture) if copy.alpha is None else picture


def is_reduced(original: Picture, copy: Picture) -> bool:
    """Return whether the copy has the size of its original, or one that it is reduced to: smaller, of that shape."""
    if (copy.height, copy.width) == (original.height, original.width):
        return True
    if copy.height >= original.height or copy.width >= original.width:
        return False
    scale = max(copy.height / original.height, copy.width / original.width)
    return abs(original.height * scale - copy.height) <= 1 and abs(original.width * scale - copy.width) <= 1
