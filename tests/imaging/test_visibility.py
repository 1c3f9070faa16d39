from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture
from unlearnable.imaging.visibility import VIEWING_SIDE, visibility


def noisy(first: np.ndarray, most: int, cell: int = 1) -> np.ndarray:
    """A picture with noise of up to `most` in squares of `cell` pixels."""
    height, width, _ = first.shape
    noise = np.random.default_rng(0).choice([-most, most], (-(-height // cell), -(-width // cell), 3))
    large = noise.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
    return np.clip(first.astype(int) + large, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (50, 2), (48, 64)])
def test_equal_pictures_differ_in_nothing_and_others_more_the_stronger_the_change(shape):
    first = picture(0, *shape)
    seen = [visibility(first, noisy(first, most)) for most in (0, 4, 8, 16)]
    assert (seen[0].flip, seen[0].delta_e) == (0, 0)
    assert seen[0].flip < seen[1].flip < seen[2].flip < seen[3].flip < 1
    assert seen[0].delta_e < seen[1].delta_e < seen[2].delta_e < seen[3].delta_e


def test_black_and_white_are_as_far_apart_as_it_goes():
    black, white = np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)
    seen = visibility(black, white)
    assert seen.flip > 0.9
    assert seen.delta_e == pytest.approx(100, abs=0.01)


def test_a_pair_of_colours_whose_difference_is_published():
    """Sharma et al. (2005), Table 1, pair 17: 1.2644; 8 bits of sRGB move each colour a little."""
    from skimage.color import lab2rgb

    lab = np.array([[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387]])
    first, second = ((lab2rgb(one) * 255).round().astype(np.uint8) for one in lab)
    seen = visibility(np.broadcast_to(first, (30, 30, 3)), np.broadcast_to(second, (30, 30, 3)))
    assert seen.delta_e == pytest.approx(1.2644, abs=0.3)


def test_a_photo_larger_than_a_screen_is_compared_as_the_screen_shows_it():
    first = picture(0, 600, 2 * VIEWING_SIDE)
    second = noisy(first, 8)
    shown = [
        np.asarray(Image.fromarray(one).resize((VIEWING_SIDE, 300), Image.Resampling.BICUBIC))
        for one in (first, second)
    ]
    large, small = visibility(first, second), visibility(*shown)
    assert large == small
    assert large.flip < 0.7 * visibility(first[:, :VIEWING_SIDE], second[:, :VIEWING_SIDE]).flip
    coarse = visibility(first, noisy(first, 8, cell=8))  # what a screen does not average away is seen
    assert coarse.flip > 1.5 * large.flip
    tall = visibility(first.swapaxes(0, 1), second.swapaxes(0, 1))
    assert tall.flip == pytest.approx(large.flip, rel=0.05)


def test_it_says_nothing_and_is_the_same_every_time(capfd):
    first = picture(0, 90, 120)
    second = noisy(first, 8)
    before = first.copy(), second.copy()
    assert len({visibility(first, second) for _ in range(3)}) == 1
    assert all(np.array_equal(*pair) for pair in zip(before, (first, second), strict=True))
    assert capfd.readouterr() == ("", "")


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="cannot be compared"):
        visibility(np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="cannot be compared"):
        visibility(np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint8))
