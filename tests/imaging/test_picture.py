from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from unlearnable.imaging.picture import (
    Noisy,
    Picture,
    grid_shape,
    is_reduced,
    only_greys,
    resized,
    working_copy,
)
from unlearnable.settings import PLATFORMS, PlatformName

SIZES = st.integers(1, 400)
SIDES = st.integers(16, 12_000)
GRIDS = st.tuples(st.sampled_from([1, 3]), st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.int8, shape, elements=st.integers(-127, 127))
)


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(1, 512))
def test_grid_shape(height: int, width: int, side: int) -> None:
    rows, columns = grid_shape(height, width, side)
    assert min(rows, columns) == min(side, height, width)
    assert 1 <= rows <= height
    assert 1 <= columns <= width
    exact = Fraction(max(height, width) * min(rows, columns), min(height, width))
    assert abs(max(rows, columns) - exact) <= Fraction(1, 2)
    assert grid_shape(width, height, side) == (columns, rows)


@given(GRIDS, SIZES, SIZES, st.integers(0, 255))
def test_noise_is_enlarged_as_torch_does_it_and_clipped(noise: np.ndarray, height: int, width: int, shade: int) -> None:
    pixels = np.full((height, width, 3), shade, np.uint8)
    noisy = Noisy(pixels, noise).whole()
    tensor = torch.from_numpy(noise)[None].double()
    exact = torch.nn.functional.interpolate(tensor, (height, width), mode="bilinear", align_corners=False)
    expected = np.clip(exact[0].permute(1, 2, 0).numpy() + shade, 0, 255)
    assert np.abs(noisy - expected).max() <= 0.5 + 1e-3
    assert noisy.min() >= np.clip(shade + int(noise.min()), 0, 255)
    assert noisy.max() <= np.clip(shade + int(noise.max()), 0, 255)
    assert (pixels == shade).all()


def test_halves_round_away_from_zero() -> None:
    noise = np.array([[[0, 1]], [[0, -1]], [[2, 3]]], np.int8)
    np.testing.assert_array_equal(Noisy(np.full((1, 3, 3), 9, np.uint8), noise).whole()[0, 1], [10, 8, 12])


def test_strips_do_not_show_and_rows_are_contiguous() -> None:
    noise = np.random.default_rng(0).integers(-8, 9, (3, 7, 9), dtype=np.int8)
    noisy = Noisy(np.random.default_rng(1).integers(0, 256, (1500, 900, 3), dtype=np.uint8), noise)
    np.testing.assert_array_equal(noisy[0:1500], noisy.whole())
    assert noisy._wide.flags.c_contiguous  # else adding them takes six times as long


def test_a_tint_in_the_last_pixel_is_seen() -> None:
    pixels = np.zeros((1500, 900, 3), np.uint8)
    assert only_greys(pixels)
    pixels[-1, -1, -1] = 1
    assert not only_greys(pixels)


def test_wrong_shapes_and_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Noisy(np.zeros((4, 5, 3), np.uint8), np.zeros((2, 4, 5), np.int8))
    with pytest.raises(ValueError, match="no grid"):
        grid_shape(5, 5, 0)


def test_working_copy() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 500, 3), dtype=np.uint8)
    assert working_copy(pixels, 112).shape == (*grid_shape(300, 500, 224), 3)
    assert working_copy(pixels, 150) is pixels
    assert (working_copy(np.full((300, 500, 3), 77, np.uint8), 25) == 77).all()


@given(height=SIDES, width=SIDES, name=st.sampled_from(sorted(PLATFORMS)))
def test_a_platform_reduces_a_photo_once_and_its_copy_is_recognised(
    height: int, width: int, name: PlatformName
) -> None:
    platform = PLATFORMS[name]
    tall, wide = platform.size(height, width)
    assert platform.size(tall, wide) == (tall, wide)
    assert wide <= (platform.width or width)
    assert max(tall, wide) <= (platform.longest or max(height, width))
    assert tall * wide <= (platform.pixels or height * width)
    sizes = ((height, width), (tall, wide))
    original, copy = (Picture(np.broadcast_to(np.uint8(0), (*size, 3)), None, None, None, "PNG") for size in sizes)
    assert is_reduced(original, copy)


@pytest.mark.parametrize("size", [(40, 62), (40, 63), (39, 64), (36, 62), (41, 64), (80, 128), (64, 40)])
def test_another_shape_or_a_larger_one_is_no_reduced_copy(size: tuple[int, int]) -> None:
    original, copy = (Picture(np.zeros((*each, 3), np.uint8), None, None, None, "PNG") for each in ((40, 64), size))
    assert not is_reduced(original, copy)


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
