"""HEIF and AVIF support beyond Pillow's: an opener, a check for truncated files, which of both, the bit depth."""

from __future__ import annotations

import os
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from PIL import Image, ImageFile, UnidentifiedImageError

from unlearnable.errors import InputError
from unlearnable.imaging import limits, trial
from unlearnable.imaging.limits import MAX_PIXELS
from unlearnable.storage import entries, worker


@cache
def register() -> None:
    """Register the HEIF opener with Pillow, which reads AVIF by itself."""
    import pillow_heif

    pillow_heif.register_heif_opener()


def is_cut_off(file: IO[bytes]) -> bool:
    """Return whether the file ends inside its `meta` or `mdat` box.

    libheif silently fills in missing tiles, which would leave half a picture. Other boxes are
    not checked: camera makers append data of their own, not always as a box.
    """
    end = file.seek(0, 2)
    position = 0
    while position + 8 <= end:
        file.seek(position)
        size, kind = struct.unpack(">L4s", file.read(8))
        if size == 1:  # a 64-bit size follows
            size = int.from_bytes(file.read(8), "big")
        if kind in (b"meta", b"mdat") and position + size > end:
            return True
        if size < 8:  # 0: up to the end of the file; anything else is not a box
            return False
        position += size
    return False


def is_avif(file: IO[bytes]) -> bool:
    """Return whether an AVIF's brand is among those of the file, which may name a wider one first.

    The opener of HEIF takes such files too and cannot decode them.
    """
    file.seek(0)
    size, kind = struct.unpack(">L4s", file.read(8).ljust(8, b"\0"))
    brands = file.read(min(size, 256) - 8) if kind == b"ftyp" and size > 8 else b""
    return not {b"avif", b"avis"}.isdisjoint(brands[place : place + 4] for place in (0, *range(8, len(brands), 4)))


def depth(file: IO[bytes]) -> int:
    """Return the bits per channel from the first `pixi` box; 8 without one."""
    file.seek(0)
    head = file.read(4096)
    box = head.find(b"pixi")  # version and flags, number of channels, bits of each channel
    return head[box + 9] if 0 <= box < len(head) - 9 else 8


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
_VIDEOS = (b"qt  ", b"iso", b"mp4", b"M4V", b"avc1", b"3gp", b"MSNV")  # brands, or how they begin
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


@contextmanager
def opened(path: Path, *, to_load: bool = True) -> Iterator[tuple[ImageFile.ImageFile, IO[bytes], bytes]]:
    """Yield a photo that is open but not loaded, its file and the first bytes of that; other threads wait.

    A photo that is large or unusual was decoded on trial by then; a worker decodes it within the bounds of a trial.

    Args:
        path: the photo.
        to_load: whether the block loads it; if not, large ones are opened without a trial.

    Raises:
        DecodeError: the file, or what the block does with the photo, fails; no other error is raised.
    """
    try:
        with entries.open_regular(path) as file, pillow_settings(), ExitStack() as block:
            start = file.read(32)
            if not start:
                raise DecodeError("empty", "the file has no bytes")
            _refuse_excess(limits.canvas(start))
            if limits.is_unusual(start):
                _try(path, block)
            with _open(file, start) as image:
                _refuse_excess(image.size)
                size = os.fstat(file.fileno()).st_size
                scans = limits.scans(file, size) if to_load and image.format in ("JPEG", "MPO") else 0
                if to_load and limits.is_heavy(image, size, scans):
                    _try(path, block)
                yield image, file, start
    except DecodeError:
        raise
    except Exception as error:  # a damaged file makes Pillow and its plugins raise errors of any kind
        raise _translate(error) from error


def _open(file: IO[bytes], start: bytes) -> ImageFile.ImageFile:
    register()
    if start[4:8] == b"ftyp" and is_cut_off(file):
        raise DecodeError("truncated", "the file ends before the picture does")
    formats = [name for name in FORMATS if name != "HEIF"] if is_avif(file) else FORMATS
    file.seek(0)
    try:
        image = Image.open(file, formats=formats)
    except UnidentifiedImageError as error:
        raise _unidentified(start) from error
    return image


def _refuse_excess(size: tuple[int, int] | None) -> None:
    if size is not None and (detail := limits.excess(*size)) is not None:
        raise DecodeError("too-large", detail)


def _try(path: Path, block: ExitStack) -> None:
    if worker.inside:
        block.enter_context(trial.bounded())
    elif (failure := trial.failure_of(path)) is not None:
        raise DecodeError(*failure)


@contextmanager
def pillow_settings() -> Iterator[None]:
    """Set Pillow's process-wide switches as decoding needs them, and restore them after; other threads wait.

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
    if start[4:8] == b"ftyp" and start[8:12].startswith(_VIDEOS):
        return DecodeError("unsupported", "it is a video, whatever the file name says")
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
