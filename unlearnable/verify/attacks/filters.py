"""Attacks on photos by filters of scikit-image: noise put on, noise taken away, and turning."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from unlearnable.verify.attacks.base import AttackFamily, Pixels, on_photos

Values: TypeAlias = NDArray[np.float32]  # (h, w, 3), from 0 to 1

SMALLEST = 16  # pixels a side: what the filters need for their windows and wavelets
COLOUR = 0.03  # the bilateral filter's standard deviation of a third of the distance between colours from 0 to 1
DISTANCE = 2  # pixels: its standard deviation of places
PATCH, REACH = 5, 6  # pixels: the side of the patches that non-local means compares, and how far away it looks for them
STRENGTH = 0.6  # the cut-off of non-local means in standard deviations of the noise, as scikit-image advises


def noise(pixels: Pixels, deviation: int) -> Pixels:
    """Return `pixels` with Gaussian noise of standard deviation `deviation` / 255, drawn from a seed made of them."""
    seed = hashlib.sha256(pixels.tobytes()).digest()
    drawn = np.random.default_rng(list(seed)).standard_normal(pixels.shape, np.float32)
    return _rounded(pixels + drawn * np.float32(deviation))


def tv(pixels: Pixels, weight: int) -> Pixels:
    """Return `pixels` with less total variation, by Chambolle's method of weight `weight` / 100."""
    from skimage.restoration import denoise_tv_chambolle

    return _filtered(pixels, lambda values: denoise_tv_chambolle(values, weight / 100, channel_axis=-1))


def nlmeans(pixels: Pixels, _: int) -> Pixels:
    """Return the mean of each value and of those whose surroundings look alike but for the noise of `pixels`."""
    return _filtered(pixels, _non_local_means)


def wavelet(pixels: Pixels, _: int) -> Pixels:
    """Return `pixels` without their small wavelet coefficients; BayesShrink says which, for brightness and colours."""
    return _filtered(pixels, _without_small_wavelets)


def bilateral(pixels: Pixels, _: int) -> Pixels:
    """Return the mean of each value's neighbourhood, where near ones of like colour count more."""
    from skimage.restoration import denoise_bilateral

    return _filtered(
        pixels, lambda values: denoise_bilateral(values, None, COLOUR, DISTANCE, mode="symmetric", channel_axis=-1)
    )


def rotate(pixels: Pixels, degrees: int) -> Pixels:
    """Return `pixels` turned to the left by bicubic, in the same size; the corners are filled by reflection."""
    from skimage import transform

    values = pixels.astype(np.float32)
    return _rounded(transform.rotate(values, degrees, order=3, mode="symmetric", preserve_range=True))


def _non_local_means(values: Values) -> Values:
    from skimage.restoration import denoise_nl_means, estimate_sigma

    sigma = np.nan_to_num(estimate_sigma(values, channel_axis=-1)).mean()
    if not sigma:
        return values
    denoised: Values = denoise_nl_means(
        values, PATCH, REACH, STRENGTH * sigma, fast_mode=True, sigma=sigma, channel_axis=-1
    )
    return denoised


def _without_small_wavelets(values: Values) -> Values:
    from skimage.restoration import denoise_wavelet

    denoised = denoise_wavelet(values, channel_axis=-1, convert2ycbcr=True, rescale_sigma=True)
    return np.where(np.isnan(denoised), values, denoised)


def _filtered(pixels: Pixels, change: Callable[[Values], Values]) -> Pixels:
    """Return `pixels` under `change`; photos smaller than it needs are extended by reflection meanwhile."""
    height, width, _ = pixels.shape
    missing = ((0, max(0, SMALLEST - height)), (0, max(0, SMALLEST - width)), (0, 0))
    values = np.pad(pixels, missing, mode="symmetric").astype(np.float32) / np.float32(255)
    with warnings.catch_warnings():
        # a drawing may have no noise at all: scikit-image takes the mean of nothing and calls the noise NaN
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        changed = change(values)
    return _rounded(changed[:height, :width] * 255)


def _rounded(values: NDArray[np.floating]) -> Pixels:
    levels: Pixels = np.rint(values).clip(0, 255).astype(np.uint8)
    return levels


NOISE = AttackFamily(on_photos(noise), numbers=range(1, 256), usual=(8, 16))
TV = AttackFamily(on_photos(tv), numbers=range(1, 1001), usual=(5, 10))
NLMEANS = AttackFamily(on_photos(nlmeans))
WAVELET = AttackFamily(on_photos(wavelet))
BILATERAL = AttackFamily(on_photos(bilateral))
ROTATE = AttackFamily(on_photos(rotate), numbers=range(1, 360), usual=(5,))
