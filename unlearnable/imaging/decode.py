"""A photo's file -> an upright `Picture`, whatever format, depth or colour space it is in."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from unlearnable.errors import InputError
from unlearnable.imaging import heif, metadata
from unlearnable.imaging.colour import separate
from unlearnable.imaging.picture import Picture

MAX_PIXELS = 200_000_000
# Only what people post: Pillow would also start Ghostscript for a file that says it is EPS. JPEG includes MPO.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF", "BMP")
_STARTS = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"II*\0", b"MM\0*", b"GIF8", b"BM")
_OTHERS = {
    b"8BPS": "Photoshop",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
}
_TRUNCATED = ("truncat", "end of file", "eof", "broken data stream", "not enough", "end-of-file", "unexpected end")
_lock = threading.Lock()


class DecodeError(InputError):
    """A file that gives no picture.

    Attributes:
        reason: "not-an-image", "truncated", "too-large", "unsupported", "empty" or "unreadable".
        detail: what was found, in a few words.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def decode(path: Path) -> Picture:
    """Read a photo whole: upright, in 8-bit RGB, the first frame where there are several.

    Safe to call from several threads, which take turns; use processes to decode in parallel.

    Raises:
        DecodeError: the only error there is.
    """
    try:
        with path.open("rb") as file, _settings():
            start = file.read(32)
            if not start:
                raise DecodeError("empty", "the file has no bytes")
            return _read(file, start)
    except DecodeError:
        raise
    except Exception as error:  # a damaged file makes Pillow and its plugins raise any kind there is
        raise _translate(error) from error


def _read(file: IO[bytes], start: bytes) -> Picture:
    heif.register()
    if start[4:8] == b"ftyp" and heif.is_cut_off(file):
        raise DecodeError("truncated", "the file ends before the picture does")
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise _unidentified(start) from error
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
    with image:
        lost = _frames(image)
        image.load()
        depth = _depth(image, start, file)
        if depth > 8:
            lost += (f"{depth} bits reduced to 8",)
        found = metadata.read(image)
        colours = separate(image)
        return Picture(
            pixels=upright(colours.pixels, found.orientation),
            alpha=None if colours.alpha is None else upright(colours.alpha, found.orientation),
            icc=colours.icc,
            exif=found.exif,
            xmp=found.xmp,
            file_format=str(image.format),
            depth=depth,
            lost=lost + colours.lost + found.lost,
        )


def upright(array: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn (h, w, ...) so that what EXIF `orientation` (1 to 8) calls the top is at the top."""
    if orientation >= 5:  # rows and columns change places, then as below
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _frames(image: ImageFile.ImageFile) -> tuple[str, ...]:
    count, kept = int(getattr(image, "n_frames", 1)), image.tell() + 1
    if count == 1:
        return ()
    if kept > 1:  # a HEIF file may name another than its first picture as the main one
        return (f"frame {kept} of {count} kept, the others dropped",)
    return (f"frames 2-{count} of {count} dropped" if count > 2 else "frame 2 of 2 dropped",)


def _depth(image: ImageFile.ImageFile, start: bytes, file: IO[bytes]) -> int:
    """Bits a channel in the source; Pillow itself hands over 8 of them for most pictures."""
    if image.format == "PNG" and image.mode != "P":
        return start[24]  # IHDR; Pillow does not keep it
    if image.format == "AVIF":
        return heif.depth(file)
    bits = image.info.get("bit_depth", 8)
    if image.format == "TIFF":
        bits = image.getexif().get(258, 8)
    return max(bits) if isinstance(bits, tuple) else int(bits)


@contextmanager
def _settings() -> Iterator[None]:
    """Hold Pillow's process-wide switches at what decoding needs, and put them back.

    Its limit for bombs warns at `MAX_IMAGE_PIXELS` and fails at twice that.
    """
    with _lock, warnings.catch_warnings():
        before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = MAX_PIXELS // 2, False
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


def _unidentified(start: bytes) -> DecodeError:
    for magic, name in _OTHERS.items():
        if start.startswith(magic):
            return DecodeError("unsupported", f"{name} files are not read")
    if start.startswith(_STARTS) or start[4:8] == b"ftyp":
        return DecodeError("unreadable", "the header is damaged or of an unknown kind")
    return DecodeError("not-an-image", "the content is no picture, whatever the name says")


def _translate(error: Exception) -> DecodeError:
    detail = (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return DecodeError("too-large", f"more than {MAX_PIXELS // 1_000_000} megapixels or than memory holds")
    if isinstance(error, EOFError) or any(word in detail.lower() for word in _TRUNCATED):
        return DecodeError("truncated", detail)
    return DecodeError("unreadable", detail)
