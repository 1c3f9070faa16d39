"""Photos as a scraper loads them: noise as the file holds it, crops, kernels, and gradients to the noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, strategies as st

from unlearnable.imaging.picture import Noisy
from unlearnable.training import data
from unlearnable.training.data import PLAIN_VIEW, View, apply_noise, load_protected, load_view, sample_view


def test_the_optimiser_sees_what_the_file_will_hold():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (50, 67, 3), dtype=np.uint8)
    noise = rng.integers(-8, 9, (3, 24, 32), dtype=np.int8)
    written = Noisy(pixels, noise).whole().astype(int)
    seen = apply_noise(torch.from_numpy(pixels).permute(2, 0, 1).float(), torch.from_numpy(noise).float())
    difference = np.abs(seen.permute(1, 2, 0).numpy() - written)
    assert difference.max() <= 1  # a half may be rounded either way
    assert (difference > 0).mean() < 0.05


@given(
    kernel=st.sampled_from(data.KERNELS),
    channels=st.sampled_from([1, 3]),
    photo=st.tuples(st.integers(5, 40), st.integers(5, 40)),
    cells=st.tuples(st.integers(2, 12), st.integers(2, 12)),
    side=st.integers(2, 30),
    flip=st.booleans(),
    seed=st.integers(0, 1000),
    largest=st.sampled_from([data.LARGEST, 0]),
)
def test_gradients_reach_the_noise_through_all_that_happens_to_it(
    kernel, channels, photo, cells, side, flip, seed, largest
):
    """They are those of a file in which nothing is rounded or cut off; what is loaded is the file as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "LARGEST", largest)
        check_gradients(kernel, channels, photo, cells, side, flip, seed)


def check_gradients(kernel, channels, photo, cells, side, flip, seed):
    generator = torch.Generator().manual_seed(seed)
    how = View(kernel, 0.95, 1.0, 0.5, 0.5, flip)
    pixels = torch.rand(3, *photo, generator=generator).mul(50).add(100).round()
    noise = torch.randint(-8, 9, (channels, *cells), generator=generator).float().requires_grad_()
    back = torch.rand(3, side, side, generator=generator)
    plain = load_view(
        pixels + F.interpolate(noise[None], size=photo, mode="bilinear", align_corners=False)[0], side, how
    )
    (expected,) = torch.autograd.grad((plain * back).sum(), noise)
    seen = load_protected(pixels, noise, side, how)
    (found,) = torch.autograd.grad((seen * back).sum(), noise)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(seen, load_view(apply_noise(pixels, noise), side, how))


def test_a_very_long_photo_takes_little_memory():
    photo, noise = torch.zeros(3, 32, 8000), torch.zeros(1, 16, 4000, requires_grad=True)
    before = data._enlarging.cache_info().currsize
    load_protected(photo, noise, 32, PLAIN_VIEW).sum().backward()
    assert data._enlarging.cache_info().currsize == before, "a matrix of 32 million values"
    assert noise.grad is not None


@pytest.mark.parametrize("level", [0.0, 255.0])
def test_noise_that_is_cut_off_at_black_or_white_keeps_all_of_its_gradient(level):
    """Rounding alone takes what is resized beyond both."""
    gradients = []
    for all_over in (level, 100.0):
        noise = torch.full((1, 4, 4), 8.0 if level else -8.0, requires_grad=True)
        load_protected(torch.full((3, 8, 8), all_over), noise, 4, PLAIN_VIEW).sum().backward()
        gradients.append(noise.grad)
    assert (apply_noise(torch.full((3, 8, 8), level), noise) == level).all()
    torch.testing.assert_close(gradients[0], gradients[1])


def test_noise_of_the_photos_own_size_is_added_as_it_is():
    pixels, noise = torch.tensor([[[250.0, 3.0]]]).repeat(3, 1, 1), torch.tensor([[[8.0, -8.0]]]).repeat(3, 1, 1)
    assert apply_noise(pixels, noise)[0].tolist() == [[255.0, 0.0]]


@given(st.integers(1, 300), st.integers(1, 300), st.floats(0.3, 1), st.integers(0, 10**6))
def test_a_crop_lies_in_the_photo_and_has_its_share_of_the_largest_of_its_shape(height, width, share, seed):
    drawn = replace(sample_view(torch.Generator().manual_seed(seed), 0.9), share=share)
    top, left, tall, wide = drawn.box(height, width)
    assert 0 <= top <= top + tall <= height
    assert 0 <= left <= left + wide <= width
    assert min(tall, wide) >= 1
    _, _, tallest, widest = replace(drawn, share=1.0).box(height, width)
    assert tallest == height or widest == width
    assert abs(tall - share**0.5 * tallest) <= 1
    assert abs(wide - share**0.5 * widest) <= 1


def test_the_plain_view_is_the_middle_square_and_long_photos_are_cropped_to_four_to_three():
    assert PLAIN_VIEW.box(100, 300) == (0, 100, 100, 100)
    assert load_view(torch.rand(3, 30, 40) * 255, 16, PLAIN_VIEW).shape == (3, 16, 16)
    long = View("bicubic", 1.0, 1.0, 0.0, 0.0, False)
    assert (long.box(90, 900), long.box(900, 90)) == ((0, 0, 90, 120), (0, 0, 120, 90))


def test_draws_cover_kernels_flips_and_sizes():
    generator = torch.Generator().manual_seed(1)
    drawn = [sample_view(generator, 0.9) for _ in range(200)]
    assert {d.kernel for d in drawn} == set(data.KERNELS)
    assert {d.flip for d in drawn} == {True, False}
    for values, low, high in (
        ([d.share for d in drawn], 0.9, 1), ([d.stretch for d in drawn], 0.9, 1 / 0.9),
        ([d.top for d in drawn], 0, 1), ([d.left for d in drawn], 0, 1),
    ):  # fmt: skip
        near = 0.05 * (high - low)
        assert low <= min(values) < low + near < high - near < max(values) <= high


@pytest.mark.parametrize("kernel", data.KERNELS)
def test_what_is_reduced_is_averaged(kernel):
    pixels = 255 * torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(0))
    reduced = load_view(pixels, 16, View(kernel, 1.0, 0.0, 0.5, 0.5, False))
    assert reduced.std() < 0.06  # of one value in 64, 0.29
