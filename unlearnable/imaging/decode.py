"""Decode a photo into an upright `Picture`, whatever format, depth or colour space the file is in."""

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
from unlearnable.imaging import compression, heif, metadata
from unlearnable.imaging.colour import separate
from unlearnable.imaging.picture import Picture

MAX_PIXELS = 200_000_000
# Only what people post: Pillow would also start Ghostscript for a file that claims to be EPS. JPEG includes MPO.
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
    """A file that cannot be decoded into a picture.

    Attributes:
        reason: "not-an-image", "truncated", "too-large", "unsupported", "empty" or "unreadable".
        detail: what is wrong with the file, in a few words.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def decode(path: Path) -> Picture:
    """Read a photo: upright, in 8-bit RGB, and only the main frame if there are several.

    Threads may call this at the same time but take turns; use processes to decode in parallel.

    Raises:
        DecodeError: the file cannot be decoded; no other error is raised.
    """
    try:
        with path.open("rb") as file, _settings():
            start = file.read(32)
            if not start:
                raise DecodeError("empty", "the file has no bytes")
            return _read(file, start)
    except DecodeError:
        raise
    except Exception as error:  # a damaged file makes Pillow and its plugins raise errors of any kind
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
        meta = metadata.read(image)
        colours = separate(image)
        return Picture(
            pixels=upright(colours.pixels, meta.orientation),
            alpha=None if colours.alpha is None else upright(colours.alpha, meta.orientation),
            icc=colours.icc,
            exif=meta.exif,
            xmp=meta.xmp,
            file_format=str(image.format),
            depth=depth,
            lost=lost + colours.lost + meta.lost,
            compression=compression.read(image, file),
        )


def upright(array: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn an array (h, w, ...) so that the top according to EXIF `orientation` (1 to 8) is at the top."""
    if orientation >= 5:  # transposed, then as below
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _frames(image: ImageFile.ImageFile) -> tuple[str, ...]:
    count, main = int(getattr(image, "n_frames", 1)), image.tell() + 1
    if count == 1:
        return ()
    if main > 1:  # a HEIF file may name a picture other than its first as the main one
        return (f"frame {main} of {count} kept, the others dropped",)
    return (f"frames 2-{count} of {count} dropped" if count > 2 else "frame 2 of 2 dropped",)


def _depth(image: ImageFile.ImageFile, start: bytes, file: IO[bytes]) -> int:
    """Return the bits per channel of the source; Pillow itself delivers 8 for most pictures."""
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
    """Set Pillow's process-wide switches as decoding needs them, and restore them afterwards.

    Its limit against decompression bombs warns at `MAX_IMAGE_PIXELS` and fails at twice that.
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
            return DecodeError("unsupported", f"{name} files are not supported")
    if start.startswith(_STARTS) or start[4:8] == b"ftyp":
        return DecodeError("unreadable", "the header is damaged or of an unknown kind")
    return DecodeError("not-an-image", "the content is not a picture, whatever the file name says")


def _translate(error: Exception) -> DecodeError:
    detail = (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return DecodeError("too-large", f"more than {MAX_PIXELS // 1_000_000} megapixels, or more than fits in memory")
    if isinstance(error, EOFError) or any(word in detail.lower() for word in _TRUNCATED):
        return DecodeError("truncated", detail)
    return DecodeError("unreadable", detail)
