from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from tests.conftest import picture
from unlearnable.imaging.visibility import flip

EVERYWHERE = 2e-3  # no pixel is farther from NVIDIA's, nor is the mean of a picture by a tenth of that


def nvidias(reference: np.ndarray, test: np.ndarray) -> np.ndarray:
    evaluator = pytest.importorskip("flip_evaluator", reason="it has no wheel for this machine")
    errors, _, _ = evaluator.evaluate(reference, test, "LDR", applyMagma=False, computeMeanError=False, parameters={})
    return errors[..., 0]


def assert_same(reference: np.ndarray, test: np.ndarray) -> None:
    first, second = (one.astype(np.float32) / np.float32(255) for one in (reference, test))
    ours, theirs = flip(first, second), nvidias(first, second)
    assert ours.shape == reference.shape[:2]
    assert np.abs(ours - theirs).max() < EVERYWHERE
    assert ours.mean(dtype=float) == pytest.approx(theirs.mean(dtype=float), abs=EVERYWHERE / 10)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
@pytest.mark.parametrize(("most", "cell"), [(2, 1), (8, 1), (8, 8), (64, 32)])
def test_on_photos_it_is_what_nvidias_program_says(name, most, cell):
    photo = getattr(data, name)()
    rows, columns = -(-photo.shape[0] // cell), -(-photo.shape[1] // cell)
    noise = np.random.default_rng(0).integers(-most, most + 1, (rows, columns, 3))
    large = noise.repeat(cell, axis=0).repeat(cell, axis=1)[: photo.shape[0], : photo.shape[1]]
    assert_same(photo, np.clip(photo + large, 0, 255).astype(np.uint8))


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([2, 9, 256]))
def test_on_any_pictures_too(height, width, seed, levels):
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, levels, (2, height, width, 3)) * (255 // (levels - 1))
    assert_same(*drawn.astype(np.uint8))


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
def test_plain_colours_differ_by_what_nvidias_program_says(first, second, error):
    one, other = (np.full((5, 7, 3), colour, np.float32) / np.float32(255) for colour in (first, second))
    assert flip(one, other) == pytest.approx(np.full((5, 7), error), abs=1e-4)


def test_it_is_the_same_both_ways_and_from_0_to_1():
    first, second = (picture(seed, 30, 50).astype(np.float32) / np.float32(255) for seed in (0, 1))
    there, back = flip(first, second), flip(second, first)
    assert there == pytest.approx(back, abs=1e-5)
    assert there.min() >= 0
    assert there.max() <= 1


def test_what_the_eye_blurs_is_seen_less_than_what_it_resolves():
    grey = np.full((60, 60, 3), 0.5, np.float32)
    rows, columns = np.indices((60, 60))
    fine, coarse = ((rows // cell + columns // cell) % 2 * 0.06 - 0.03 for cell in (1, 6))
    fine, coarse = (flip(grey, grey + squares[..., None].astype(np.float32)).mean() for squares in (fine, coarse))
    assert fine < 0.5 * coarse
