"""The signed gradient step on the noise (Eq. 5), and where a photo hides it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import uniform_filter
from torch import Tensor

SMOOTH = 0.15  # worth of a place where the photo is even
USUAL = 8  # bound of the paper, in 1/255; what goes beyond it is for rough places
ROUGH = 12.0  # deviation of the brightness, in 1/255, from which on a photo is as rough as it need be
WINDOW = 7  # cells of the noise, along a side, that roughness is judged by
COARSE = 5  # cells, along a side, whose mean counts as coarse noise


def roughness(pixels: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return (1, gh, gw) how well each place hides noise, from 0 to 1: by how the brightness varies around it.

    Args:
        pixels: (3, h, w) float 0-255.
        shape: (gh, gw) of the noise.
    """
    grey = F.interpolate(pixels.mean(dim=0)[None, None], size=shape, mode="area")[0]
    deviation = (_mean_around(grey**2, WINDOW) - _mean_around(grey, WINDOW) ** 2).clamp(min=0).sqrt()
    return (deviation / ROUGH).clamp(0, 1)


def signed_step(
    noise: Tensor, gradient: Tensor, size: float, epsilon: int, share: float = 1.0, rough: Tensor | None = None
) -> Tensor:
    """Take one step of projected gradient descent: Proj(noise - size * sign(gradient)) (Eq. 5), in 1/255.

    Args:
        noise: of one photo.
        gradient: of the loss at the noise.
        size: length of the step; a negative one ascends.
        epsilon: bound. Where it is above the usual one and `rough` is given, smooth places keep to the usual one.
        share: share of the values that are moved, those with the largest gradients. What hardly matters to the loss
            stays as it is, which is seen less.
        rough: of each place, from 0 to 1 (`roughness`). Rough places come first, and smooth ones are moved without
            what the gradient has in common around them: coarse waves are what people see in a sky.
    """
    if rough is not None:
        gradient = gradient - (1 - rough) * _mean_around(gradient, COARSE)
    if share < 1:
        strengths = gradient.abs() if rough is None else gradient.abs() * rough.clamp(min=SMOOTH)
        last = max(0, round((1 - share) * strengths.numel()) - 1)  # by NumPy, which takes a tenth of PyTorch's time
        gradient = gradient * (strengths >= float(np.partition(strengths.numpy(), last, axis=None)[last]))
    bound = _bound(epsilon, rough)
    return (noise - size * gradient.sign()).clamp(-bound, bound)


def _bound(epsilon: int, rough: Tensor | None) -> Tensor:
    """Return the bound of each place: `epsilon`; where that is above the usual one, down to that where it is smooth."""
    if rough is None or epsilon <= USUAL:
        return torch.tensor(float(epsilon))
    return USUAL + (epsilon - USUAL) * rough


def _mean_around(values: Tensor, window: int) -> Tensor:
    """Return the mean of a square window, of an odd number of places, around each of (c, h, w) values."""
    return torch.from_numpy(uniform_filter(values.numpy(), (1, window, window), mode="nearest"))
