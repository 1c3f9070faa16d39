"""Colours of HEIC and AVIF files that tell them by numbers (ITU-T H.273) in place of a profile."""

from __future__ import annotations

import struct
from typing import IO, NamedTuple

from PIL.ImageFile import ImageFile

from unlearnable.imaging.profiles import D50, written

_HEAD = 1 << 16  # bytes, in which the boxes that describe a picture lie
# Red, green and blue in XYZ under D50 (Bradford), in 1/65536.
_PRIMARIES = {
    9: ((44137, 18287, -127), (10857, 44259, 1965), (8195, 2989, 52223)),  # BT.2020
    12: ((33759, 15807, -69), (19135, 45367, 2745), (10296, 4363, 51385)),  # Display P3
}
_SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + struct.pack(">5l", 0x26666, 0xF2A7, 0x0D59, 0x13D0, 0x0A5B)
_HDR = {16: "PQ", 18: "HLG"}


class NumberedColours(NamedTuple):
    """A colour profile for the pixels, None for sRGB's own colours, and notes on what it does not tell."""

    icc: bytes | None
    lost: tuple[str, ...]


def read(image: ImageFile, file: IO[bytes]) -> NumberedColours:
    """Return the colours of an opened HEIC or AVIF, `file` being what it was opened from; brightness counts as sRGB's.

    Those of a HEIC are the main picture's, of an AVIF those of the first picture that has any.
    """
    told = image.info.get("nclx_profile") or {}
    own = int(told.get("color_primaries", 2)), int(told.get("transfer_characteristics", 2))
    primaries, transfer = _first(file) if image.format == "AVIF" else own
    hdr = _HDR.get(transfer)
    return NumberedColours(_profile(primaries), (f"HDR brightness ({hdr}) not converted",) if hdr else ())


def _first(file: IO[bytes]) -> tuple[int, int]:
    """Return the numbers of primaries and curve in the first `colr` box that has them; 2, unknown, without one."""
    file.seek(0)
    head = file.read(_HEAD)
    box = head.find(b"colrnclx")
    if not 0 <= box <= len(head) - 12:
        return 2, 2
    primaries, transfer = struct.unpack_from(">HH", head, box + 8)
    return primaries, transfer


def _profile(primaries: int) -> bytes | None:
    if primaries not in _PRIMARIES:
        return None
    tags = {b"wtpt": b"XYZ \0\0\0\0" + D50}
    for name, colour in zip((b"r", b"g", b"b"), _PRIMARIES[primaries], strict=True):
        tags |= {name + b"XYZ": b"XYZ \0\0\0\0" + struct.pack(">3l", *colour), name + b"TRC": _SRGB_CURVE}
    return written(True, tags)
