"""Pictures and profiles built in code: nothing here comes from a file of somebody's."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unlearnable.imaging.decode import decode
from unlearnable.imaging.picture import Picture

Decoded = Callable[..., Picture]


@pytest.fixture
def photo() -> NDArray[np.uint8]:
    """(40, 64, 3): smooth, with no symmetry, so that every turn shows."""
    rows, columns = np.mgrid[0:40, 0:64]
    return np.stack([columns * 4, rows * 6, 255 - rows * 3 - columns], axis=-1).astype(np.uint8)


@pytest.fixture
def decoded(tmp_path: Path) -> Decoded:
    """Save a Pillow picture under a name and decode it."""

    def save_and_decode(image: Image.Image, name: str, **options: Any) -> Picture:
        path = tmp_path / name
        image.save(path, **options)
        return decode(path)

    return save_and_decode


def profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A small ICC version 2 profile."""
    table, body = struct.pack(">L", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">LL", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = bytearray(128)
    head[0:4] = struct.pack(">L", start + len(body))
    head[8:24] = b"\x02\x10\0\0" + b"prtr" + space + connection
    head[36:40] = b"acsp"
    head[68:80] = struct.pack(">LLL", 0xF6D6, 0x10000, 0xD32D)  # D50
    return bytes(head) + table + body


@pytest.fixture
def grey_profile() -> bytes:
    """Grey with a gamma of 1: linear light, so that middle grey must come out brighter in sRGB."""
    white = b"XYZ \0\0\0\0" + struct.pack(">LLL", 0xF6D6, 0x10000, 0xD32D)
    return profile(b"GRAY", b"XYZ ", {b"wtpt": white, b"kTRC": b"curv\0\0\0\0" + struct.pack(">L", 0)})


def rgb_profile(primaries: tuple[tuple[float, float, float], ...], curve: list[int]) -> bytes:
    """RGB of three primaries (XYZ under D50) and one tone curve, of 16-bit samples or, of one number, a gamma * 256."""
    tags = {b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">LLL", 0xF6D6, 0x10000, 0xD32D)}
    for name, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + struct.pack(">3l", *(round(65536 * value) for value in primary))
        tags[name + b"TRC"] = b"curv\0\0\0\0" + struct.pack(f">L{len(curve)}H", len(curve), *curve)
    return profile(b"RGB ", b"XYZ ", tags)


@pytest.fixture
def phone_profile() -> bytes:
    """Display P3, as phones write it: other primaries than sRGB, the same tone curve."""
    primaries = (0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)
    samples = np.linspace(0, 1, 1024)
    linear = np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)
    return rgb_profile(primaries, (65535 * linear).round().astype(int).tolist())


@pytest.fixture
def cmyk_profile() -> bytes:
    """CMYK with strange inks: any cyan is middle grey, other inks do nothing."""
    straight = bytes(range(256))
    corners = b"".join(bytes((128 if corner & 8 else 255, 128, 128)) for corner in range(16))  # L, a, b
    matrix = struct.pack(">9l", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + straight * 4 + corners + straight * 3
    return profile(b"CMYK", b"Lab ", {b"A2B0": lut})
