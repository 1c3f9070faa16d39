"""What a photo is to become, before its noise."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.encode import Encoding, encode
from unlearnable.imaging.placement import as_copied
from unlearnable.protect.photo import target_of
from unlearnable.settings import ProtectSettings


@pytest.mark.parametrize(("kind", "side"), [("webp", 16_384), ("jpeg", 65_501)])
def test_a_photo_that_its_file_cannot_hold_is_refused_before_noise_is_made(kind, side, tmp_path):
    path = tmp_path / "wide.png"
    Image.new("L", (side, 328)).save(path, compress_level=1)
    with pytest.raises(DecodeError, match=f"too-large: a {kind.upper()} has at most {side - 1:,} pixels a side"):
        target_of(path, ProtectSettings(photos=tmp_path, format=kind))
    assert target_of(path, ProtectSettings(photos=tmp_path, format="png")).picture.width == side


@pytest.mark.parametrize("keep", ["safe", "all"])
@pytest.mark.parametrize("asked", [{}, {"platform": "instagram"}, {"platform": "instagram", "format": "png"}])
def test_a_photo_is_told_from_its_copy_as_it_was_copied(asked, keep, tmp_path):
    path, copy = tmp_path / "a.png", tmp_path / "copy.png"
    layers = np.random.default_rng(0).integers(0, 256, (30, 60, 4), dtype=np.uint8)
    Image.fromarray(layers).resize((1200, 600)).save(path)
    target = target_of(path, ProtectSettings(photos=tmp_path, keep_metadata=keep, **asked))
    encode(target.picture, copy, Encoding("png"), keep_metadata=keep)
    assert (as_copied(decode(path), decode(copy)).pixels == target.picture.pixels).all()
