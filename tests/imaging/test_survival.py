"""What is left of the noise in a lossy file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from unlearnable.imaging import visibility
from unlearnable.imaging.visibility import share_kept

RANDOM = np.random.default_rng(0)
PHOTO = RANDOM.integers(60, 190, (40, 30, 3), dtype=np.uint8)
NOISE = RANDOM.integers(-8, 9, PHOTO.shape)
NOISY = (PHOTO + NOISE).astype(np.uint8)


@given(share=st.sampled_from([0.0, 0.5, 1.0, -1.0]))
def test_the_share_is_that_of_the_noise_whatever_happens_to_the_photo(share):
    decoded = (PHOTO[::-1] + 2 * NOISE).astype(np.uint8)  # an encoder that ruins the photo, along the noise
    left = decoded + np.round(2 * share * (NOISE // 2)).astype(int)
    assert share_kept(PHOTO, NOISY, decoded, left.astype(np.uint8)) == pytest.approx(share, abs=0.12)


def test_all_none_and_nothing_to_keep():
    assert share_kept(PHOTO, NOISY, PHOTO, NOISY) == 1
    assert share_kept(PHOTO, NOISY, PHOTO, PHOTO) == 0
    assert share_kept(PHOTO, PHOTO, PHOTO, NOISY) == 0


def test_changes_that_have_nothing_to_do_with_the_noise_do_not_count():
    other = np.random.default_rng(1).integers(-8, 9, PHOTO.shape)
    assert abs(share_kept(PHOTO, NOISY, PHOTO, (PHOTO + other).astype(np.uint8))) < 0.1


def test_strips_do_not_change_the_result(monkeypatch):
    half = (PHOTO + NOISE // 2).astype(np.uint8)
    whole = share_kept(PHOTO, NOISY, PHOTO, half)
    monkeypatch.setattr(visibility, "_STRIP_PIXELS", 100)
    assert share_kept(PHOTO, NOISY, PHOTO, half) == pytest.approx(whole)
