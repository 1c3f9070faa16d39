"""What a photo is to become, before its noise."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from unlearnable.config import ProtectSettings
from unlearnable.imaging.copied import as_copied
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.encode import Encoding, encode
from unlearnable.imaging.profiles import written
from unlearnable.workflows.protect.preparing.target import target_of

PRIMARIES = {b"rXYZ": (0.436, 0.222, 0.014), b"gXYZ": (0.385, 0.717, 0.097), b"bXYZ": (0.143, 0.061, 0.714)}


def long_curves() -> bytes:
    """A profile whose curves have too many points to be written anew, so that it is applied."""
    curve = b"curv\0\0\0\0" + struct.pack(">L5000H", 5000, *(np.linspace(0, 1, 5000) ** 1.5 * 65535).astype(int))
    colours = {**PRIMARIES, b"wtpt": (0.964, 1, 0.825)}
    tags = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3l", *(int(65536 * one) for one in xyz)) for name, xyz in colours.items()
    }
    return written(True, {**tags, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


@pytest.mark.parametrize(("kind", "side"), [("webp", 16_384), ("jpeg", 65_501)])
def test_a_photo_that_its_file_cannot_hold_is_refused_before_noise_is_made(kind, side, tmp_path):
    path = tmp_path / "wide.png"
    Image.new("L", (side, 328)).save(path, compress_level=1)
    with pytest.raises(DecodeError, match=f"too-large: a {kind.upper()} has at most {side - 1:,} pixels a side"):
        target_of(path, ProtectSettings(photos=tmp_path, format=kind))
    assert target_of(path, ProtectSettings(photos=tmp_path, format="png")).picture.width == side


@pytest.mark.parametrize("keep", ["safe", "all"])
@pytest.mark.parametrize("icc", [None, long_curves()])
@pytest.mark.parametrize("asked", [{}, {"platform": "instagram"}, {"platform": "instagram", "format": "png"}])
def test_a_photo_is_told_from_its_copy_as_it_was_copied(asked, icc, keep, tmp_path):
    path, copy = tmp_path / "a.png", tmp_path / "copy.png"
    layers = np.random.default_rng(0).integers(0, 256, (30, 60, 4), dtype=np.uint8)
    Image.fromarray(layers).resize((1200, 600)).save(path, icc_profile=icc)
    target = target_of(path, ProtectSettings(photos=tmp_path, keep_metadata=keep, **asked))
    assert (icc is not None and keep != "all") == ("colours converted to sRGB" in target.picture.lost)
    encode(target.picture, copy, Encoding("png"), keep_metadata=keep)
    assert (as_copied(decode(path), decode(copy)).pixels == target.picture.pixels).all()
