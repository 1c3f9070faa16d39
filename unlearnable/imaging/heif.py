"""HEIF and AVIF support beyond Pillow's: an opener, a check for truncated files, which of both, the bit depth."""

from __future__ import annotations

import struct
from functools import cache
from typing import IO


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
