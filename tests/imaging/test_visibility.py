from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tests.conftest import picture
from unlearnable.imaging import visibility as module
from unlearnable.imaging.visibility import VIEWING_SIDE, compare, flip, share_kept, visibility

EVERYWHERE = 2e-3  # no pixel is farther from NVIDIA's, nor is the mean of a picture by a tenth of that


def noisy(first: np.ndarray, most: int, cell: int = 1) -> np.ndarray:
    """A picture with noise of up to `most` in squares of `cell` pixels."""
    height, width, _ = first.shape
    noise = np.random.default_rng(0).choice([-most, most], (-(-height // cell), -(-width // cell), 3))
    large = noise.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
    return np.clip(first.astype(int) + large, 0, 255).astype(np.uint8)


def assert_as_nvidias(reference: np.ndarray, test: np.ndarray) -> None:
    evaluator = pytest.importorskip("flip_evaluator", reason="it has no wheel for this machine")
    first, second = (one.astype(np.float32) / np.float32(255) for one in (reference, test))
    errors, _, _ = evaluator.evaluate(first, second, "LDR", applyMagma=False, computeMeanError=False, parameters={})
    ours, theirs = flip(first, second), errors[..., 0]
    assert ours.shape == reference.shape[:2]
    assert np.abs(ours - theirs).max() < EVERYWHERE
    assert ours.mean(dtype=float) == pytest.approx(theirs.mean(dtype=float), abs=EVERYWHERE / 10)


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
@pytest.mark.parametrize(("most", "cell"), [(8, 1), (64, 32)])
def test_flip_of_photos_is_what_nvidias_program_says(name, most, cell):
    photo = getattr(data, name)()
    assert_as_nvidias(photo, noisy(photo, most, cell))


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [  # of flip-evaluator 1.7, for plain pictures
        ((0, 0, 0), (255, 255, 255), 0.96739),
        ((0, 255, 0), (0, 0, 255), 1),
        ((255, 0, 0), (0, 255, 255), 0.97991),
        ((128, 128, 128), (136, 136, 136), 0.12759),
        ((200, 150, 120), (208, 142, 120), 0.20010),
        ((90, 90, 90), (90, 90, 90), 0),
    ],
)
def test_flip_of_plain_colours(first, second, error):
    one, other = (np.full((5, 7, 3), colour, np.float32) / np.float32(255) for colour in (first, second))
    assert flip(one, other) == pytest.approx(np.full((5, 7), error), abs=1e-4)
    assert flip(other, one) == pytest.approx(flip(one, other), abs=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (50, 2), (48, 64)])
def test_equal_pictures_differ_in_nothing_and_others_more_the_stronger_the_change(shape):
    first = picture(0, *shape)
    seen = [visibility(first, noisy(first, most)) for most in (0, 4, 8, 16)]
    assert (seen[0].flip, seen[0].delta_e) == (0, 0)
    assert seen[0].flip < seen[1].flip < seen[2].flip < seen[3].flip < 1
    assert seen[0].delta_e < seen[1].delta_e < seen[2].delta_e < seen[3].delta_e


def test_a_photo_larger_than_a_screen_is_compared_as_the_screen_shows_it():
    first = picture(0, 300, 2 * VIEWING_SIDE)
    second = noisy(first, 8)
    shown = [
        np.asarray(Image.fromarray(one).resize((VIEWING_SIDE, 150), Image.Resampling.BICUBIC))
        for one in (first, second)
    ]
    large, small = visibility(first, second), visibility(*shown)
    assert large == small
    assert large.flip < 0.7 * visibility(first[:, :VIEWING_SIDE], second[:, :VIEWING_SIDE]).flip
    coarse = visibility(first, noisy(first, 8, cell=8))  # what a screen does not average away is seen
    assert coarse.flip > 1.5 * large.flip


@pytest.mark.parametrize("shape", [(7, 7), (40, 60), (1201, 903)])
def test_psnr_and_ssim_are_those_of_scikit_image(shape):
    random = np.random.default_rng(0)
    first = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
    first[:, : shape[1] // 2] = first[:, : shape[1] // 2] // 32 + 100  # an even half, where SSIM goes by its constants
    second = np.clip(first.astype(int) + random.integers(-8, 9, first.shape), 0, 255).astype(np.uint8)
    found = compare(first, second)
    assert found.linf == np.abs(first.astype(int) - second).max()
    assert found.psnr == pytest.approx(peak_signal_noise_ratio(first, second), abs=1e-6)
    lumas = [picture.astype(np.float64) @ [0.299, 0.587, 0.114] for picture in (first, second)]
    assert found.ssim == pytest.approx(structural_similarity(*lumas, data_range=255), abs=1e-4)


def test_the_largest_change_is_found_wherever_it_is():
    first = np.zeros((1300, 900, 3), np.uint8)
    equal = compare(first, first.copy())
    assert (equal.linf, equal.psnr) == (0, math.inf)
    assert equal.ssim == pytest.approx(1)
    for row in (0, 582, 1299):
        second = first.copy()
        second[row, 5, 1] = 200
        found = compare(first, second)
        assert found.linf == 200
        assert found.psnr == pytest.approx(10 * math.log10(255**2 / (200**2 / first.size)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (6, 6)])
def test_pictures_smaller_than_a_window(shape):
    first = np.full((*shape, 3), 100, np.uint8)
    found = compare(first, first + np.uint8(8))
    assert found.linf == 8
    assert 0.9 < found.ssim < 1


RANDOM = np.random.default_rng(0)
PHOTO = RANDOM.integers(60, 190, (40, 30, 3), dtype=np.uint8)
NOISE = RANDOM.integers(-8, 9, PHOTO.shape)
NOISY = (PHOTO + NOISE).astype(np.uint8)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, -1.0])
def test_the_share_that_is_kept_is_that_of_the_noise_whatever_happens_to_the_photo(share):
    decoded = (PHOTO[::-1] + 2 * NOISE).astype(np.uint8)  # an encoder that ruins the photo, along the noise
    left = (decoded + np.round(2 * share * (NOISE // 2)).astype(int)).astype(np.uint8)
    kept = share_kept(PHOTO, NOISY, decoded, left)
    assert kept == pytest.approx(share, abs=0.12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_STRIP_PIXELS", 100)
        assert share_kept(PHOTO, NOISY, decoded, left) == pytest.approx(kept)


def test_all_none_and_nothing_to_keep():
    assert share_kept(PHOTO, NOISY, PHOTO, NOISY) == 1
    assert share_kept(PHOTO, NOISY, PHOTO, PHOTO) == 0
    assert share_kept(PHOTO, PHOTO, PHOTO, NOISY) == 0
    other = np.random.default_rng(1).integers(-8, 9, PHOTO.shape)
    assert abs(share_kept(PHOTO, NOISY, PHOTO, (PHOTO + other).astype(np.uint8))) < 0.1
