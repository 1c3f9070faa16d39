"""Colours that a file tells by numbers in place of a profile: HEIC, AVIF and PNG (ITU-T H.273; gAMA and cHRM)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile

from unlearnable.imaging.profiles import D50, written

_HEAD = 1 << 16  # bytes, in which the boxes that describe a picture lie
_D65 = (0.3127, 0.3290)
# White, red, green and blue as x, y.
_SRGB = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES = {
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
}
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + struct.pack(">5l", 0x26666, 0xF2A7, 0x0D59, 0x13D0, 0x0A5B)
_SRGB_GAMMA = 0.45455  # as files in sRGB give it
_HDR = {16: "PQ", 18: "HLG"}


class NumberedColours(NamedTuple):
    """A colour profile for the pixels, None for sRGB's own colours, and notes on what it does not tell."""

    icc: bytes | None
    lost: tuple[str, ...] = ()


def read(image: ImageFile, file: IO[bytes]) -> NumberedColours | None:
    """Return the colours of an opened file; None where its profile, or sRGB without one, says all.

    Brightness counts as sRGB's but in a PNG with a gamma of its own. The colours of a HEIC are the main picture's, of
    an AVIF those of the first picture that has any. In a PNG numbers of H.273 count before a profile, and that before
    a gamma.

    Args:
        image: the opened picture.
        file: what it was opened from.
    """
    if image.format == "PNG" and (of_png := _of_png(file)) is not None:
        return _numbered(*of_png)
    if "icc_profile" in image.info:
        return None
    if image.format == "PNG" and "srgb" not in image.info:
        return _measured(image.info.get("gamma"), image.info.get("chromaticity"))
    if image.format == "AVIF":
        return _numbered(*_of_avif(file))
    if image.format == "HEIF":
        told: dict[str, Any] = image.info.get("nclx_profile") or {}
        return _numbered(int(told.get("color_primaries", 2)), int(told.get("transfer_characteristics", 2)))
    return None


def _numbered(primaries: int, transfer: int) -> NumberedColours:
    hdr = _HDR.get(transfer)
    icc = _profile(_PRIMARIES[primaries], _SRGB_CURVE) if primaries in _PRIMARIES else None
    return NumberedColours(icc, (f"HDR brightness ({hdr}) not converted",) if hdr else ())


def _measured(gamma: float | None, chromaticity: tuple[float, ...] | None) -> NumberedColours | None:
    """Return colours by a PNG's gamma and chromaticities; None where both are missing, sRGB's or no colours at all."""
    own_curve = gamma is not None and 0.1 <= gamma <= 10 and abs(gamma - _SRGB_GAMMA) > 1e-4
    own_colours = chromaticity is not None and not np.allclose(chromaticity, _SRGB, atol=1e-3)
    if not own_curve and not own_colours:
        return None
    curve = b"para" + bytes(8) + struct.pack(">l", round(65536 / gamma)) if gamma and own_curve else _SRGB_CURVE
    return NumberedColours(_profile(chromaticity if chromaticity and own_colours else _SRGB, curve))


def _of_avif(file: IO[bytes]) -> tuple[int, int]:
    """Return the numbers of primaries and curve in the first `colr` box that has them; 2, unknown, without one."""
    file.seek(0)
    head = file.read(_HEAD)
    box = head.find(b"colrnclx")
    if not 0 <= box <= len(head) - 12:
        return 2, 2
    primaries, transfer = struct.unpack_from(">HH", head, box + 8)
    return primaries, transfer


def _of_png(file: IO[bytes]) -> tuple[int, int] | None:
    """Return the numbers of primaries and curve in the `cICP` chunk; None without one of known primaries."""
    told = next((data for kind, data in _chunks(file) if kind == b"cICP" and len(data) == 4), b"\0\0")
    return (told[0], told[1]) if told[0] in (1, *_PRIMARIES) else None


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the first four bytes of the chunks before the pixels of a PNG."""
    place = 8
    while True:
        file.seek(place)
        header = file.read(12)
        if len(header) < 12 or header[4:8] == b"IDAT":
            return
        (length,) = struct.unpack_from(">L", header)
        yield header[4:8], header[8 : 8 + min(length, 4)]
        place += 12 + length


def _profile(chromaticity: tuple[float, ...], curve: bytes) -> bytes | None:
    """Return a profile of a white point and three primaries as x, y, and one curve; None for what are no colours."""
    try:
        colours = _under_d50(np.array(chromaticity, dtype=np.float64).reshape(4, 2))
        tags = {b"wtpt": b"XYZ \0\0\0\0" + D50}
        for name, colour in zip((b"r", b"g", b"b"), colours, strict=True):
            numbers = struct.pack(">3l", *(round(float(value) * 65536) for value in colour))
            tags |= {name + b"XYZ": b"XYZ \0\0\0\0" + numbers, name + b"TRC": curve}
    except (np.linalg.LinAlgError, struct.error, ValueError, OverflowError):
        return None
    return written(True, tags)


def _under_d50(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return red, green and blue in XYZ as (3, 3), adapted to D50 (Bradford), of white, red, green, blue as x, y."""
    x, y = points.T
    if (y <= 0).any():
        raise ValueError("no colours")
    white, *primaries = np.stack([x / y, np.ones(4), (1 - x - y) / y], axis=1)
    matrix = np.array(primaries).T
    matrix *= np.linalg.solve(matrix, white)
    d50 = np.array(struct.unpack(">3l", D50)) / 65536
    gain = (_BRADFORD @ d50) / (_BRADFORD @ white)
    adapted: NDArray[np.float64] = np.linalg.solve(_BRADFORD, gain[:, None] * _BRADFORD) @ matrix
    return adapted.T
