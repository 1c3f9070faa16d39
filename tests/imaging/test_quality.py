from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from unlearnable.imaging import visibility
from unlearnable.imaging.visibility import compare


@pytest.mark.parametrize("shape", [(7, 7), (40, 60), (1201, 903), (2003, 611)])
def test_as_scikit_image_has_it(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    first = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
    first[:, : shape[1] // 2] = first[:, : shape[1] // 2] // 32 + 100  # an even half, where SSIM goes by its constants
    second = np.clip(first.astype(int) + random.integers(-8, 9, first.shape), 0, 255).astype(np.uint8)
    found = compare(first, second)
    assert found.linf == np.abs(first.astype(int) - second).max()
    assert found.psnr == pytest.approx(peak_signal_noise_ratio(first, second), abs=1e-6)
    lumas = [picture.astype(np.float64) @ [0.299, 0.587, 0.114] for picture in (first, second)]
    assert found.ssim == pytest.approx(structural_similarity(*lumas, data_range=255), abs=1e-4)


@given(st.integers(7, 40), st.integers(7, 20), st.integers(1, 200))
def test_strips_do_not_show(height: int, width: int, pixels: int) -> None:
    first, second = np.random.default_rng(height).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    whole = compare(first, second)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visibility, "_STRIP_PIXELS", pixels)
        parts = compare(first, second)
    assert (parts.linf, parts.psnr) == (whole.linf, whole.psnr)
    assert parts.ssim == pytest.approx(whole.ssim, abs=1e-6)


def test_equal_pictures() -> None:
    picture = np.full((20, 20, 3), 9, np.uint8)
    found = compare(picture, picture.copy())
    assert (found.linf, found.psnr) == (0, math.inf)
    assert found.ssim == pytest.approx(1)


def test_the_largest_change_is_found_wherever_it_is() -> None:
    first = np.zeros((1300, 900, 3), np.uint8)
    for row in (0, 581, 582, 583, 588, 1299):
        second = first.copy()
        second[row, 5, 1] = 200
        found = compare(first, second)
        assert found.linf == 200
        assert found.psnr == pytest.approx(10 * math.log10(255**2 / (200**2 / first.size)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (50, 2), (6, 6)])
def test_pictures_smaller_than_a_window(shape: tuple[int, int]) -> None:
    first = np.full((*shape, 3), 100, np.uint8)
    found = compare(first, first + np.uint8(8))
    assert found.linf == 8
    assert 0.9 < found.ssim < 1


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint8))
