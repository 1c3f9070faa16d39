"""Colour profiles are published without anything but colours in them, and colours stay what they were."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from unlearnable.imaging.picture import Picture
from unlearnable.imaging.profiles import rebuilt, with_plain_profile

SECRET = b"Ada Lovelace 12 St James's Square"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def with_tag(icc: bytes, name: bytes, value: bytes) -> bytes:
    """The same profile with one more tag."""
    (count,) = struct.unpack_from(">L", icc, 128)
    head, table, data = icc[:128], icc[132 : 132 + 12 * count], icc[132 + 12 * count :]
    moved = b""
    for entry in range(count):
        tag, offset, length = struct.unpack_from(">4sLL", table, 12 * entry)
        moved += struct.pack(">4sLL", tag, offset + 12, length)
    moved += struct.pack(">4sLL", name, 132 + 12 * (count + 1) + len(data), len(value))
    content = head + struct.pack(">L", count + 1) + moved + data + value
    return struct.pack(">L", len(content)) + content[4:]


def in_srgb(icc: bytes, pixels: np.ndarray) -> np.ndarray:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    image = ImageCms.profileToProfile(Image.fromarray(pixels), profile, ImageCms.createProfile("sRGB"))
    return np.asarray(image).astype(int)


def picture(icc: bytes | None) -> Picture:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    return Picture(pixels=pixels, alpha=None, icc=icc, exif=None, xmp=None, file_format="PNG", lost=())


def adobe() -> bytes:
    """A profile like Adobe RGB: other primaries, and a gamma of 2.2 as one number."""
    icc = bytearray(rebuilt(SRGB))
    (count,) = struct.unpack_from(">L", icc, 128)
    for entry in range(count):
        name, offset, _ = struct.unpack_from(">4sLL", icc, 132 + 12 * entry)
        if name == b"rXYZ":
            struct.pack_into(">3L", icc, offset + 8, 0x9C18, 0x4FA5, 0x04FC)
    return bytes(icc)


@pytest.mark.parametrize("icc", [SRGB, adobe()])
def test_colours_stay_and_secrets_go(icc):
    told = with_tag(with_tag(icc, b"meta", SECRET), b"ZZZZ", SECRET)
    told = told[:48] + b"ADA " + told[52:84] + b"\1" * 16 + told[100:]  # maker of the device, and the profile's id
    plain = rebuilt(told)
    assert SECRET in told
    assert SECRET not in plain
    assert b"ADA " not in plain
    assert rebuilt(plain) == plain
    pixels = picture(None).pixels
    assert np.abs(in_srgb(told, pixels) - in_srgb(plain, pixels)).max() <= 1


def test_a_picture_without_a_profile_stays_without():
    assert with_plain_profile(picture(None)).icc is None


@pytest.mark.parametrize("icc", [b"", SECRET, b"\0" * 200, SRGB[:200], SRGB[:16] + b"RGB " + SECRET * 9])
def test_garbage_is_dropped_with_a_note(icc):
    plain = with_plain_profile(picture(icc))
    assert plain.icc is None or SECRET not in plain.icc
    assert plain.lost == ("damaged colour profile dropped",)
    assert (plain.pixels == picture(None).pixels).all()


@given(st.integers(0), st.integers(0, 255))
def test_whatever_is_changed_nothing_is_raised(place, value):
    icc = bytearray(SRGB)
    icc[place % len(icc)] = value
    plain = with_plain_profile(picture(bytes(icc)))
    assert plain.icc is None or rebuilt(plain.icc) == plain.icc


def test_the_file_holds_no_secret_of_the_profile(tmp_path: Path) -> None:
    from unlearnable.config import ProtectSettings
    from unlearnable.workflows.protect.preparing.target import target_of

    Image.fromarray(picture(None).pixels).save(tmp_path / "a.png", icc_profile=with_tag(SRGB, b"meta", SECRET))
    for keep, there in (("none", False), ("safe", False), ("all", True)):
        settings = ProtectSettings.model_validate({"photos": (tmp_path,), "keep_metadata": keep})
        target = target_of(tmp_path / "a.png", settings)
        assert (SECRET in target.picture.icc) == there
