"""Pictures for pages and previews: thumbnails and files as data URIs, and one sheet of original, copy and noise."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unlearnable.errors import InputError
from unlearnable.imaging.picture import Picture, on_white, strips

GAIN = 10
THUMBNAIL, SHEET = 320, 1600  # the longest side of a thumbnail and of a picture on the sheet
MARGIN, LINE = 10, 26
TITLES = ("original", "protected", f"noise x {GAIN}")
KINDS = {".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp", ".jpg": "image/jpeg"}
SHOWN = 48
BYTES = 4_000_000  # most bytes of all thumbnails of a page


class Thumbnails(NamedTuple):
    """Data URIs of a photo, its protected copy and the noise between them, all of `width` x `height` pixels."""

    before: str
    after: str
    noise: str
    width: int
    height: int

    @property
    def size(self) -> int:
        """The bytes of all of them."""
        return sum(map(len, (self.before, self.after, self.noise)))


class ShownPhotos:
    """The photos that a page shows, kept as they are written: those whose noise is the most visible."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, str, Thumbnails]] = []

    @property
    def thumbnails(self) -> dict[str, Thumbnails]:
        """The thumbnails by the path of the copy, the most visible noise first."""
        return {name: thumbnails for _, name, thumbnails in self._kept}

    def wants(self, flip: float) -> bool:
        """Return whether a photo with a FLIP of that much would be shown."""
        return len(self._kept) < SHOWN or flip > self._kept[-1][0]

    def add(self, name: str, flip: float, found: Thumbnails) -> None:
        """Add a photo; those of the least visible noise make room."""
        self._kept.append((flip, name, found))
        self._kept.sort(key=lambda one: -one[0])
        while len(self._kept) > SHOWN or sum(one.size for _, _, one in self._kept) > BYTES:
            self._kept.pop()


def amplified(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the difference of two pictures (h, w, 3), `GAIN` times as strong, on mid-grey."""
    change = after.astype(np.int16) - before
    shown: NDArray[np.uint8] = np.clip(128 + GAIN * change, 0, 255).astype(np.uint8)
    return shown


def thumbnails(before: Picture, after: Picture, original: Picture | None = None) -> Thumbnails:
    """Return thumbnails of both and of the noise, at most `THUMBNAIL` pixels a side; of the original where it differs.

    `before` has the look of the copy, `original` does not.
    """
    noise = Image.new("RGB", (before.width, before.height))
    for rows in strips(before.height, before.width):
        noise.paste(Image.fromarray(amplified(before.pixels[rows], after.pixels[rows])), (0, rows.start))
    shown = [_reduced(image, THUMBNAIL) for image in (opaque(original or before), opaque(after), noise)]
    first, second, third = (_data_uri("image/webp", _webp(one, 80)) for one in shown)
    return Thumbnails(first, second, third, *shown[0].size)


def thumbnail(picture: Picture) -> bytes:
    """Return a WebP of a picture, at most `THUMBNAIL` pixels a side."""
    return _webp(_reduced(opaque(picture), THUMBNAIL), quality=80)


def sheet(before: Picture, after: Picture) -> Image.Image:
    """Return original, copy and amplified noise side by side, each with a title and at most `SHEET` pixels a side."""
    noise = Image.fromarray(amplified(before.pixels, after.pixels))
    panels = [_reduced(image, SHEET) for image in (opaque(before), opaque(after), noise)]
    width, height = panels[0].size
    step = max(width, 110) + MARGIN
    whole = Image.new("RGB", (3 * step + MARGIN, height + LINE + 2 * MARGIN), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(size=16)
    for number, (panel, title) in enumerate(zip(panels, TITLES, strict=True)):
        left = MARGIN + number * step
        draw.text((left, MARGIN), title, fill="black", font=font)
        whole.paste(panel, (left, MARGIN + LINE))
    return whole


def data_uri(path: Path) -> str:
    """Return a picture file as a data URI.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return _data_uri(KINDS[path.suffix.lower()], path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def opaque(picture: Picture) -> Image.Image:
    """Return a picture as it looks on white."""
    return Image.fromarray(on_white(picture).pixels)


def _reduced(image: Image.Image, most: int) -> Image.Image:
    scale = most / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def _webp(image: Image.Image, quality: int) -> bytes:
    written = io.BytesIO()
    image.save(written, "WEBP", quality=quality, method=2)
    return written.getvalue()


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
