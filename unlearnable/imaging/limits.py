"""How large a photo may be, told from its first bytes and its header, and which ones are decoded elsewhere first.

Nearly all photos are decoded at once. One that is large or unusual is first decoded in a worker, which may be stopped
(`trial`): a few kilobytes can hold what takes gigabytes or hours.
"""

from __future__ import annotations

from typing import IO

from PIL import ImageFile

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
