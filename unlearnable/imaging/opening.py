"""Open photos within bounds: a few kilobytes can hold what takes gigabytes or hours to decode.

Nearly all photos are decoded at once. One that is large or unusual is first loaded on trial, in a process that ends
when it takes too much time or memory. A process that is itself a worker loads such a photo once, within these bounds.
"""

import contextlib
import faulthandler
import os
import struct
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO

import pillow_heif
from PIL import Image, ImageFile, UnidentifiedImageError

from unlearnable.errors import InputError
from unlearnable.storage import files, pool
from unlearnable.storage.pool import Worker, WorkerEnded

# Only what people post: Pillow would also start Ghostscript for a file that claims to be EPS. JPEG includes MPO. AVIF
# comes before HEIF, whose opener takes some AVIF files too and cannot decode them.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "GIF", "BMP")
STOPPED = ("too-large", "decoding it takes more time or memory than a photo may take")
SECONDS = 60.0  # that a photo may take to decode
MEMORY = 6 << 30  # bytes of address space while it is decoded; about 1 GB is the program's own
_MAX_PIXELS = 200_000_000
_MAX_SIDE = 65_535  # what a JPEG can hold
_MAX_ASPECT, _LONG = 200, 8192  # times as long as wide, of a photo with more pixels on the longer side
_LARGE = 64_000_000  # pixels, beyond those of phones
_DENSE, _SMALL = 100, 4_000_000  # pixels a byte (photos of one colour have 40), of photos with more pixels than that
_SCANS = 64  # of a progressive JPEG, which has about 10
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_STARTS = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"GIF8", b"BM", *_TIFF)
_TRUNCATED = ("truncat", "end of file", "eof", "broken data stream", "not enough", "end-of-file", "unexpected end")

_pillow_lock = threading.Lock()
pillow_heif.register_heif_opener()  # Pillow reads AVIF by itself


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


@contextlib.contextmanager
def opened(path: Path, *, to_load: bool = True) -> Iterator[tuple[ImageFile.ImageFile, IO[bytes], bytes]]:
    """Yield a photo that is open but not loaded, its file and the first bytes of that; other threads wait.

    A photo that is large or unusual has passed its trial by then, unless the block does not load it (`to_load`).

    Raises:
        DecodeError: the file, or what the block does with the photo, fails; no other error is raised.
    """
    try:
        with files.open_regular(path) as file, pillow_settings(), contextlib.ExitStack() as block:
            start = file.read(32)
            if not start:
                raise DecodeError("empty", "the file has no bytes")
            if start[:4] == b"RIFF" and start[8:16] == b"WEBPVP8X":  # Pillow takes memory for its canvas at once
                width, height = (1 + int.from_bytes(start[at : at + 3], "little") for at in (24, 27))
                _refuse_excess(width, height)
            if start.startswith(_TIFF):  # its header does not bound what its parts ask for
                _try(path, block)
            with _open(file, start) as image:
                _refuse_excess(*image.size)
                if to_load and _is_heavy(image, file):
                    _try(path, block)
                yield image, file, start
    except DecodeError:
        raise
    except Exception as error:  # a damaged file makes Pillow and its plugins raise errors of any kind
        raise _translate(error) from error


@contextlib.contextmanager
def pillow_settings(room: int = 0) -> Iterator[None]:
    """Set Pillow's process-wide switches as decoding needs them, and restore them after; other threads wait.

    Its limit against decompression bombs warns at `MAX_IMAGE_PIXELS` and fails at twice that. Encoders get a buffer
    with `room` for so many bytes more.
    """
    with _pillow_lock, warnings.catch_warnings():
        before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = _MAX_PIXELS // 2, False
        ImageFile.MAXBLOCK += room
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK = before


def _open(file: IO[bytes], start: bytes) -> ImageFile.ImageFile:
    in_boxes = start[4:8] == b"ftyp"
    if in_boxes and _is_cut_off(file):
        raise DecodeError("truncated", "the file ends before the picture does")
    file.seek(0)
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        if in_boxes or start.startswith(_STARTS):
            raise DecodeError("unreadable", "the header is damaged or of an unknown kind") from error
        detail = f"the content is not one of {', '.join(FORMATS)}, whatever the file name says"
        raise DecodeError("not-an-image", detail) from error


def _is_cut_off(file: IO[bytes]) -> bool:
    """Return whether a HEIF or AVIF file ends inside its `meta` or `mdat` box.

    libheif silently fills in missing tiles, which would leave half a picture. Other boxes are not checked: camera
    makers append data of their own, not always as a box.
    """
    end, position = file.seek(0, 2), 0
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


def _translate(error: Exception) -> DecodeError:
    detail = (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return DecodeError("too-large", f"more than {_MAX_PIXELS // 1_000_000} megapixels, or more than fits in memory")
    if isinstance(error, EOFError) or any(word in detail.lower() for word in _TRUNCATED):
        return DecodeError("truncated", detail)
    return DecodeError("unreadable", detail)


def _refuse_excess(width: int, height: int) -> None:
    """Refuse a photo that is too large or too long."""
    longer, shorter = max(width, height), min(width, height)
    if longer > _MAX_SIDE:
        excess = f"a side has more than {_MAX_SIDE:,} pixels"
    elif width * height > _MAX_PIXELS:
        excess = f"more than {_MAX_PIXELS // 1_000_000} megapixels"
    elif longer > max(_LONG, _MAX_ASPECT * shorter):
        excess = f"more than {_MAX_ASPECT} times as long as wide"
    else:
        return
    raise DecodeError("too-large", f"{width} x {height}: {excess}")


def _is_heavy(image: ImageFile.ImageFile, file: IO[bytes]) -> bool:
    """Return whether a photo asks for much: by its pixels, beside its bytes, or by the scans of a JPEG."""
    pixels, size = image.width * image.height, os.fstat(file.fileno()).st_size
    if pixels > _LARGE or (pixels > _SMALL and pixels > _DENSE * size):
        return True
    if image.format not in ("JPEG", "MPO"):
        return False
    position = file.tell()
    file.seek(0)
    scans = file.read().count(b"\xff\xda")  # also of the pictures inside it; each may cost as much as the first
    file.seek(position)  # where Pillow goes on reading
    return scans > _SCANS


def _try(path: Path, block: contextlib.ExitStack) -> None:
    """Load a photo on trial or, in a worker, bound what the block may take."""
    if pool.inside:
        block.enter_context(_bounded())
    else:
        status = path.stat()
        _pass_trial(path.absolute(), status.st_mtime_ns, status.st_size)


@cache
def _pass_trial(path: Path, modified: int, size: int) -> None:
    """Load a photo in a process of its own; one that passed and did not change passes again."""
    worker = Worker()
    try:
        worker.call(_load, path)
    except WorkerEnded:
        raise DecodeError(*STOPPED) from None
    finally:
        worker.stop()
        worker.close()


def _load(path: Path) -> None:
    with opened(path) as (image, _, _):
        image.load()


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Bound the time and memory of a worker for the block: it ends when that takes too long."""
    with Path(os.devnull).open("w") as nowhere, contextlib.ExitStack() as after:
        with contextlib.suppress(ImportError, ValueError, OSError):  # not every system can
            import resource

            before, most = resource.getrlimit(resource.RLIMIT_AS)
            limit = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
            resource.setrlimit(resource.RLIMIT_AS, (limit, most))
            after.callback(resource.setrlimit, resource.RLIMIT_AS, (before, most))
        faulthandler.dump_traceback_later(SECONDS, exit=True, file=nowhere)  # whatever holds the interpreter
        after.callback(faulthandler.cancel_dump_traceback_later)
        yield
