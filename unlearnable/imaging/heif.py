"""What HEIF and AVIF files need beyond Pillow: an opener, a check for a missing end, the depth."""

from __future__ import annotations

import struct
from functools import cache
from typing import IO


@cache
def register() -> None:
    """Teach Pillow HEIF. AVIF it knows."""
    import pillow_heif

    pillow_heif.register_heif_opener()


def is_cut_off(file: IO[bytes]) -> bool:
    """Whether the file ends inside its `meta` or `mdat` box.

    libheif fills the tiles it misses and says nothing, which would be half a picture. Other
    boxes are left alone: makers append their own things, not always as a box.
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
        if size < 8:  # 0: to the end of the file; else no box at all
            return False
        position += size
    return False


def depth(file: IO[bytes]) -> int:
    """Bits a channel, from the first `pixi` box; 8 where there is none."""
    file.seek(0)
    head = file.read(4096)
    box = head.find(b"pixi")  # version and flags, the number of channels, then the bits of each
    return head[box + 9] if 0 <= box < len(head) - 9 else 8
