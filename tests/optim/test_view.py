from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.imaging.placement import add, enlarge
from unlearnable.optim.view import KERNELS, PLAIN_VIEW, View, apply_noise, load_view, sample_view


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_the_optimiser_sees_what_the_file_will_hold(mode):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (50, 67, 3), dtype=np.uint8)
    noise = rng.integers(-8, 9, (3, 24, 32), dtype=np.int8)
    written = add(pixels, enlarge(noise, 50, 67, mode)).astype(int)
    seen = apply_noise(torch.from_numpy(pixels).permute(2, 0, 1).float(), torch.from_numpy(noise).float(), mode)
    difference = np.abs(seen.permute(1, 2, 0).numpy() - written)
    assert difference.max() <= 1  # a half may be rounded either way
    assert (difference > 0).mean() < 0.05


def test_gradients_reach_the_noise_through_rounding_resizing_and_flipping():
    noise = torch.zeros(3, 8, 8, requires_grad=True)
    how = View("area", 0.95, 1.0, 0.5, 0.5, flip=True)
    load_view(apply_noise(torch.full((3, 20, 20), 100.0), noise, "bilinear"), 8, how).sum().backward()
    assert (noise.grad > 0).any()
    assert noise.grad.isfinite().all()


def test_noise_of_the_photos_own_size_is_added_as_it_is():
    pixels, noise = torch.tensor([[[250.0, 3.0]]]).repeat(3, 1, 1), torch.tensor([[[8.0, -8.0]]]).repeat(3, 1, 1)
    assert apply_noise(pixels, noise, "bilinear")[0].tolist() == [[255.0, 0.0]]


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 10**6))
def test_every_crop_lies_in_the_photo(height, width, seed):
    top, left, tall, wide = sample_view(torch.Generator().manual_seed(seed), 0.9).box(height, width)
    assert 0 <= top <= top + tall <= height
    assert 0 <= left <= left + wide <= width
    assert min(tall, wide) >= 1


def test_the_plain_view_is_the_middle_square():
    assert PLAIN_VIEW.box(100, 300) == (0, 100, 100, 100)
    assert load_view(torch.rand(3, 30, 40) * 255, 16, PLAIN_VIEW).shape == (3, 16, 16)


def test_draws_cover_kernels_flips_and_sizes():
    generator = torch.Generator().manual_seed(1)
    drawn = [sample_view(generator, 0.9) for _ in range(200)]
    assert {d.kernel for d in drawn} == set(KERNELS)
    assert {d.flip for d in drawn} == {True, False}
    assert 0.9 <= min(d.share for d in drawn) < 0.92
    assert 0.98 < max(d.share for d in drawn) <= 1
