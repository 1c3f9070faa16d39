"""Open photos of any kind within bounds: hostile files cost seconds, not hours or gigabytes."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import os
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import IO

from PIL import Image, ImageFile, UnidentifiedImageError

from unlearnable.errors import InputError
from unlearnable.storage import files, pool
from unlearnable.storage.pool import Worker, WorkerEnded

MAX_PIXELS = 200_000_000
MAX_SIDE = 65_535  # what a JPEG can hold
MAX_ASPECT = 200  # times as long as wide, of a photo longer than `_LONG`
MAX_FRAMES = 10_000
SECONDS = 60.0  # that a photo may take to decode
MEMORY = 6 << 30  # bytes of address space while it is decoded; about 1 GB is the program's own

_LONG = 8192  # pixels on the longer side
_LARGE = 64_000_000  # pixels, beyond those of phones
_DENSE = 100  # pixels a byte of the file; photos of one colour have 40
_SMALL = 4_000_000  # pixels that no file can make expensive
_LONGEST = 100_000_000  # bytes of a JPEG whose scans are counted
_SCANS = 64  # of a progressive JPEG, which has about 10
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def canvas(start: bytes) -> tuple[int, int] | None:
    """Return the width and height that an extended WebP asks for: Pillow takes memory for it when it opens the file."""
    if start[:4] != b"RIFF" or start[8:16] != b"WEBPVP8X":
        return None
    return 1 + int.from_bytes(start[24:27], "little"), 1 + int.from_bytes(start[27:30], "little")


def is_unusual(start: bytes) -> bool:
    """Return whether a file is a TIFF: its header does not bound what its parts ask for."""
    return start.startswith(_TIFF)


def is_heavy(image: ImageFile.ImageFile, size: int, scans: int) -> bool:
    """Return whether the header of a photo asks for much, beside the bytes of its file and the scans of a JPEG."""
    pixels = image.width * image.height
    return pixels > _LARGE or scans > _SCANS or (pixels > _SMALL and pixels > _DENSE * size)


def scans(file: IO[bytes], size: int) -> int:
    """Return the number of scans of a JPEG, and of the pictures inside it; each may cost as much as the first."""
    if size > _LONGEST:
        return _SCANS + 1
    position = file.tell()
    file.seek(0)
    count = file.read().count(b"\xff\xda")
    file.seek(position)  # where Pillow goes on
    return count


def excess(width: int, height: int) -> str | None:
    """Return what is too much about a size in pixels; None if nothing is."""
    if max(width, height) > MAX_SIDE:
        return f"{width} x {height}: a side has more than {MAX_SIDE:,} pixels"
    if width * height > MAX_PIXELS:
        return f"{width} x {height}: more than {MAX_PIXELS // 1_000_000} megapixels"
    if max(width, height) > max(_LONG, MAX_ASPECT * min(width, height)):
        return f"{width} x {height}: more than {MAX_ASPECT} times as long as wide"
    return None


Failure = tuple[str, str]  # reason and detail of a `DecodeError`
STOPPED = ("too-large", "decoding it takes more time or memory than a photo may take")

_FAILURE = "unlearnable.imaging.decode:failure"  # by its name: it stands on this module
_lock = threading.Lock()
_known: dict[tuple[str, int, int], Failure | None] = {}
_worker: Worker | None = None


def failure_of(path: Path) -> Failure | None:
    """Return why a photo cannot be decoded; None if it can. A file that did not change is tried once."""
    status = path.stat()
    key = str(path.absolute()), status.st_mtime_ns, status.st_size
    with _lock:
        if key not in _known:
            _known[key] = _ask(path.absolute())
        return _known[key]


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Bound the time and memory of a worker for the block: it ends when that takes too long."""
    with Path(os.devnull).open("w") as nowhere, _limited_memory():
        faulthandler.dump_traceback_later(SECONDS, exit=True, file=nowhere)  # whatever holds the interpreter
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
    """Bound the memory of this process for the block, where the system can."""
    try:
        import resource
    except ImportError:
        yield
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (wanted, most))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (before, most))


def _ask(path: Path) -> Failure | None:
    global _worker
    if _worker is None or not _worker.runs:
        _end()
        _worker = Worker()
    try:
        failure: Failure | None = _worker.call(resolve_name(_FAILURE), path)
        return failure
    except WorkerEnded:
        _end()
        return STOPPED
    except BaseException:  # no later photo may get the answer to this one
        _end()
        raise


@atexit.register
def _end() -> None:
    global _worker
    worker, _worker = _worker, None
    if worker is not None:
        worker.stop()
        worker.close()


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


def avif_depth(file: IO[bytes]) -> int:
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
_lock_opening = threading.Lock()


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
        with files.open_regular(path) as file, pillow_settings(), ExitStack() as block:
            start = file.read(32)
            if not start:
                raise DecodeError("empty", "the file has no bytes")
            _refuse_excess(canvas(start))
            if is_unusual(start):
                _try(path, block)
            with _open(file, start) as image:
                _refuse_excess(image.size)
                size = os.fstat(file.fileno()).st_size
                count = scans(file, size) if to_load and image.format in ("JPEG", "MPO") else 0
                if to_load and is_heavy(image, size, count):
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
    if size is not None and (detail := excess(*size)) is not None:
        raise DecodeError("too-large", detail)


def _try(path: Path, block: ExitStack) -> None:
    if pool.inside:
        block.enter_context(bounded())
    elif (failure := failure_of(path)) is not None:
        raise DecodeError(*failure)


@contextmanager
def pillow_settings() -> Iterator[None]:
    """Set Pillow's process-wide switches as decoding needs them, and restore them after; other threads wait.

    Its limit against decompression bombs warns at `MAX_IMAGE_PIXELS` and fails at twice that.
    """
    with _lock_opening, warnings.catch_warnings():
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
