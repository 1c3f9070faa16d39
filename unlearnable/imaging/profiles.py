"""Colour profiles as they may be published: what describes the colours, written anew, and nothing of their maker's.

A profile can hold names, serial numbers and any bytes at all in tags that no reader looks at.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
from PIL import Image, ImageCms

from unlearnable.imaging.picture import Picture

_COLOURS = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
_HEADER = 128
_PARAMETERS = (1, 3, 4, 5, 7)  # of each kind of parametric curve
_MOST = 4096  # entries of a curve
D50 = struct.pack(">3L", 0xF6D6, 0x10000, 0xD32D)
_NAME = "RGB"


def with_plain_profile(picture: Picture) -> Picture:
    """Return a picture whose colour profile tells of colours alone.

    A profile of primaries and curves, as those of sRGB, Display P3 and Adobe RGB, is written anew. Any other, of
    tables, is applied: the picture is in sRGB then. One that is damaged is dropped.
    """
    if picture.icc is None:
        return picture
    if (plain := rebuilt(picture.icc)) is not None:
        return replace(picture, icc=plain)
    try:
        converted = in_srgb(Image.fromarray(picture.pixels), ImageCms.ImageCmsProfile(io.BytesIO(picture.icc)))
    except (OSError, ImageCms.PyCMSError):
        converted = None
    if converted is None:
        return replace(picture, icc=None, lost=(*picture.lost, "damaged colour profile dropped"))
    return replace(picture, pixels=np.array(converted), icc=None, lost=(*picture.lost, "colours converted to sRGB"))


def in_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image | None:
    """Return an image of the colours of a profile in sRGB."""
    return ImageCms.profileToProfile(
        image,
        profile,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def rebuilt(icc: bytes) -> bytes | None:
    """Return a profile of the same primaries, curves and white point; None if it is not made of these, or damaged."""
    try:
        tags = _tags(icc)
        if b"A2B0" in tags or icc[16:24] != b"RGB XYZ ":
            return None
        kept = {name: _xyz(tags[name]) if name.endswith(b"XYZ") else _curve(tags[name]) for name in _COLOURS}
        if b"chad" in tags:
            kept[b"chad"] = _matrix(tags[b"chad"])
        white = _xyz(tags[b"wtpt"])
    except (struct.error, LookupError, ValueError):
        return None
    profile = written(icc[8] >= 4, {**kept, b"wtpt": white})
    return profile if _is_sound(profile) else None


def _tags(icc: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">L", icc, _HEADER)
    tags = {}
    for number in range(min(count, 200)):
        name, offset, length = struct.unpack_from(">4sLL", icc, _HEADER + 4 + 12 * number)
        tags[name] = icc[offset : offset + length]
    return tags


def _xyz(tag: bytes) -> bytes:
    if tag[:4] != b"XYZ " or len(tag) < 20:
        raise ValueError("no colour")
    return b"XYZ \0\0\0\0" + tag[8:20]


def _matrix(tag: bytes) -> bytes:
    if tag[:4] != b"sf32" or len(tag) < 44:
        raise ValueError("no matrix")
    return b"sf32\0\0\0\0" + tag[8:44]


def _curve(tag: bytes) -> bytes:
    """Return a curve of points, which must rise, or of parameters."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">L", tag, 8)
        points = struct.unpack_from(f">{count}H", tag, 12) if count <= _MOST else (1, 0)
        if list(points) != sorted(points):
            raise ValueError("no curve")
        return b"curv\0\0\0\0" + tag[8 : 12 + 2 * count]
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        end = 12 + 4 * _PARAMETERS[kind]
        if len(tag) < end:
            raise ValueError("no curve")
        return b"para\0\0\0\0" + tag[8:10] + b"\0\0" + tag[12:end]
    raise ValueError("no curve")


def written(newer: bool, tags: dict[bytes, bytes]) -> bytes:
    """Return a profile of these tags, version 4 or 2, with a name and without a maker, a date or an owner."""
    text = _NAME.encode("utf-16-be")
    if newer:
        name = b"mluc\0\0\0\0" + struct.pack(">LL2s2sLL", 1, 12, b"en", b"US", len(text), 28) + text
        rights = name
    else:
        plain = _NAME.encode() + b"\0"
        name = b"desc\0\0\0\0" + struct.pack(">L", len(plain)) + plain + bytes(78)
        rights = b"text\0\0\0\0" + plain
    tags = {b"desc": name, b"cprt": rights, **tags}
    table, data = b"", b""
    start = _HEADER + 4 + 12 * len(tags)
    for key, value in tags.items():
        table += struct.pack(">4sLL", key, start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    version = 0x04200000 if newer else 0x02100000
    size = start + len(data)
    header = struct.pack(">L4sL4s4s4s", size, b"", version, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + D50
    return header.ljust(_HEADER, b"\0") + struct.pack(">L", len(tags)) + table + data


def _is_sound(profile: bytes) -> bool:
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ImageCms.PyCMSError):
        return False
    return True
