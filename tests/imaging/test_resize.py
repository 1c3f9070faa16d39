"""Sizes for platforms, and reduced pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import resized
from unlearnable.settings import PLATFORMS, PlatformName

SIDES = st.integers(16, 12_000)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("instagram", (3024, 4032), (810, 1080)),
        ("instagram", (4032, 3024), (1440, 1080)),
        ("instagram", (566, 1080), (566, 1080)),
        ("facebook", (3024, 4032), (1536, 2048)),
        ("facebook", (4032, 3024), (2048, 1536)),
        ("x", (3024, 4032), (1536, 2048)),
        ("mastodon", (2160, 3840), (2160, 3840)),
        ("mastodon", (3024, 4032), (2494, 3325)),
        ("web", (300, 200), (300, 200)),
    ],
)
def test_the_size_on_a_platform(name: PlatformName, before: tuple[int, int], after: tuple[int, int]) -> None:
    assert PLATFORMS[name].size(*before) == after


@given(height=SIDES, width=SIDES, name=st.sampled_from(sorted(PLATFORMS)))
def test_no_size_is_reduced_twice_or_bent(height: int, width: int, name: PlatformName) -> None:
    platform = PLATFORMS[name]
    tall, wide = platform.size(height, width)
    assert platform.size(tall, wide) == (tall, wide)
    assert wide <= (platform.width or width)
    assert max(tall, wide) <= (platform.longest or max(height, width))
    assert tall * wide <= (platform.pixels or height * width)
    assert abs(tall - height * wide / width) <= 1 + height / width


def test_a_smaller_picture(photo: NDArray[np.uint8]) -> None:
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[:, 32:] = 255
    picture = Picture(photo, alpha, b"exif", None, "PNG", ("a note",))
    small = resized(picture, 20, 32)
    assert (small.height, small.width, small.lost) == (20, 32, ("a note", "reduced from 64 x 40"))
    assert small.exif == b"exif"
    assert small.alpha is not None
    assert (small.alpha[:, 20:] == 255).all()
    expected = photo.reshape(20, 2, 32, 2, 3).mean(axis=(1, 3))
    seen = np.s_[2:-2, 20:-2]
    assert np.abs(small.pixels[seen].astype(float) - expected[seen]).max() <= 3
    assert resized(picture, 40, 64) is picture
    assert resized(replace(picture, alpha=None), 20, 32).alpha is None
