"""What a photo is to become, before its noise."""

from __future__ import annotations

import pytest
from PIL import Image

from unlearnable.imaging.decode import DecodeError
from unlearnable.protect.photo import target_of
from unlearnable.settings import ProtectSettings


@pytest.mark.parametrize(("kind", "side"), [("webp", 16_384), ("jpeg", 65_501)])
def test_a_photo_that_its_file_cannot_hold_is_refused_before_noise_is_made(kind, side, tmp_path):
    path = tmp_path / "wide.png"
    Image.new("L", (side, 328)).save(path, compress_level=1)
    with pytest.raises(DecodeError, match=f"too-large: a {kind.upper()} has at most {side - 1:,} pixels a side"):
        target_of(path, ProtectSettings(photos=tmp_path, format=kind))
    assert target_of(path, ProtectSettings(photos=tmp_path, format="png")).picture.width == side
