from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unlearnable.imaging.picture import differ, strips
from unlearnable.imaging.placement import Enlarged, Noisy, add, grid_shape, working_copy

SIZES = st.integers(1, 400)
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


def test_grid_shape_of_known_sizes() -> None:
    assert grid_shape(480, 640, 224) == (224, 299)
    assert grid_shape(100, 150, 224) == (100, 150)
    for wrong in ((0, 5, 224), (5, 5, 0)):
        with pytest.raises(ValueError, match="no grid"):
            grid_shape(*wrong)


@settings(deadline=None)
@given(GRIDS, SIZES, SIZES, st.sampled_from(["bilinear", "nearest"]))
def test_enlarged_noise_stays_in_the_bound(
    noise: np.ndarray, height: int, width: int, mode: Literal["bilinear", "nearest"]
) -> None:
    large = Enlarged(noise, height, width, mode)[:]
    assert large.shape == (height, width, len(noise))
    assert large.dtype == np.int8
    for channel in range(len(noise)):
        assert noise[channel].min() <= large[..., channel].min()
        assert large[..., channel].max() <= noise[channel].max()


@settings(deadline=None)
@given(GRIDS, SIZES, SIZES)
def test_bilinear_is_torch_s(noise: np.ndarray, height: int, width: int) -> None:
    tensor = torch.from_numpy(noise)[None].double()
    exact = torch.nn.functional.interpolate(tensor, (height, width), mode="bilinear", align_corners=False)
    difference = Enlarged(noise, height, width, "bilinear")[:] - exact[0].permute(1, 2, 0).numpy()
    assert np.abs(difference).max() <= 0.5 + 1e-3


@settings(deadline=None)
@given(GRIDS, SIZES, SIZES)
def test_nearest_is_torch_s(noise: np.ndarray, height: int, width: int) -> None:
    tensor = torch.from_numpy(noise)[None].double()
    expected = torch.nn.functional.interpolate(tensor, (height, width), mode="nearest-exact")[0].permute(1, 2, 0)
    # torch works in float32, so a centre that falls on the border of two cells may go either way.
    on_a_border = [
        np.array([((2 * i + 1) * cells) % (2 * size) == 0 for i in range(size)])
        for size, cells in zip((height, width), noise.shape[1:], strict=True)
    ]
    clear = ~on_a_border[0][:, None] & ~on_a_border[1][None]
    np.testing.assert_array_equal(Enlarged(noise, height, width, "nearest")[:][clear], expected.numpy()[clear])


def test_halves_round_away_from_zero() -> None:
    noise = np.array([[[0, 1]], [[0, -1]], [[2, 3]]], np.int8)
    np.testing.assert_array_equal(Enlarged(noise, 1, 3, "bilinear")[:][0, 1], [1, -1, 3])


def test_its_own_size_changes_nothing() -> None:
    noise = np.random.default_rng(0).integers(-8, 9, (3, 30, 40), dtype=np.int8)
    for mode in ("bilinear", "nearest"):
        np.testing.assert_array_equal(Enlarged(noise, 30, 40, mode)[:], noise.transpose(1, 2, 0))


def test_rows_lie_in_memory_as_those_of_a_picture() -> None:  # adding them took six times as long
    noise = np.random.default_rng(0).integers(-8, 9, (3, 7, 9), dtype=np.int8)
    for mode in ("bilinear", "nearest"):
        assert Enlarged(noise, 70, 90, mode)._wide.flags.c_contiguous


def test_strips_do_not_show() -> None:
    noise = np.random.default_rng(0).integers(-8, 9, (3, 7, 9), dtype=np.int8)
    rows = Enlarged(noise, 1500, 900, "bilinear")
    tall = np.concatenate([rows[strip] for strip in strips(1500, 900)])
    exact = torch.nn.functional.interpolate(
        torch.from_numpy(noise)[None].double(), (1500, 900), mode="bilinear", align_corners=False
    )
    assert np.abs(tall - exact[0].permute(1, 2, 0).numpy()).max() <= 0.5 + 1e-4
    noisy = Noisy(np.random.default_rng(1).integers(0, 256, (1500, 900, 3), dtype=np.uint8), noise, "bilinear")
    np.testing.assert_array_equal(np.concatenate([noisy[strip] for strip in strips(1500, 900)]), noisy.whole())


def test_pictures_that_differ_in_their_last_pixel_differ() -> None:
    one = np.zeros((1500, 900, 3), np.uint8)
    other = one.copy()
    assert not differ(one, other)
    other[-1, -1, -1] = 1
    assert differ(one, other)


def test_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="bicubic"):
        Enlarged(np.zeros((3, 2, 2), np.int8), 4, 4, "bicubic")  # type: ignore[arg-type]  # refused without types too


@given(st.data(), st.integers(1, 20), st.integers(1, 20), st.integers(0, 127))
def test_add(data: st.DataObject, height: int, width: int, epsilon: int) -> None:
    pixels = data.draw(arrays(np.uint8, (height, width, 3)))
    noise = data.draw(arrays(np.int8, (height, width, 3), elements=st.integers(-epsilon, epsilon)))
    before = pixels.copy()
    changed = add(pixels, noise)
    assert changed.dtype == np.uint8
    assert np.abs(changed.astype(int) - pixels).max() <= epsilon
    np.testing.assert_array_equal(changed, np.clip(pixels.astype(int) + noise, 0, 255))
    np.testing.assert_array_equal(pixels, before)


def test_add_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        add(np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4, 3), np.int8))


def test_working_copy() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 500, 3), dtype=np.uint8)
    assert working_copy(pixels, 112).shape == (*grid_shape(300, 500, 224), 3)
    assert working_copy(pixels, 150) is pixels
    flat = np.full((300, 500, 3), 77, np.uint8)
    assert (working_copy(flat, 25) == 77).all()
