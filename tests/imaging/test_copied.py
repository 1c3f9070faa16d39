"""Which sizes are of the same photo; `tests/protect/test_target.py` has what else a photo is copied to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import is_reduced
from unlearnable.settings import PLATFORMS, PlatformName

SIDES = st.integers(16, 12_000)


def of_size(height: int, width: int) -> Picture:
    return Picture(np.zeros((height, width, 3), np.uint8), None, None, None, "PNG")


@given(height=SIDES, width=SIDES, name=st.sampled_from(sorted(PLATFORMS)))
def test_what_a_platform_makes_of_a_photo_is_recognised(height: int, width: int, name: PlatformName) -> None:
    original, copy = Picture.__new__(Picture), Picture.__new__(Picture)
    for picture, (tall, wide) in ((original, (height, width)), (copy, PLATFORMS[name].size(height, width))):
        object.__setattr__(picture, "pixels", np.broadcast_to(np.uint8(0), (tall, wide, 3)))
    assert is_reduced(original, copy)


@pytest.mark.parametrize("size", [(40, 62), (40, 63), (39, 64), (36, 62), (41, 64), (80, 128), (64, 40)])
def test_another_shape_or_a_larger_one_is_no_reduced_copy(size: tuple[int, int]) -> None:
    assert not is_reduced(of_size(40, 64), of_size(*size))
