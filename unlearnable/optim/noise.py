"""The signed gradient step on the noise (Eq. 5), and where a photo hides it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

SMOOTH = 0.4  # worth of a place where the photo is even
ROUGH = 12.0  # deviation of the brightness, in 1/255, from which on a place is worth 1
WINDOW = 7  # cells of the noise, along a side, that a place is judged by


def texture(pixels: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return (1, gh, gw) how well each place hides noise, from `SMOOTH` to 1: by how the brightness varies around it.

    Args:
        pixels: (3, h, w) float 0-255.
        shape: (gh, gw) of the noise.
    """
    grey = F.interpolate(pixels.mean(dim=0)[None, None], size=shape, mode="area")
    around = F.pad(grey, [WINDOW // 2] * 4, mode="replicate")
    mean, square = (F.avg_pool2d(each, WINDOW, stride=1) for each in (around, around**2))
    deviation = (square - mean**2).clamp(min=0).sqrt()
    return (deviation[0] / ROUGH).clamp(SMOOTH, 1)


def signed_step(
    noise: Tensor, gradient: Tensor, size: float, epsilon: int, share: float = 1.0, worth: Tensor | None = None
) -> Tensor:
    """Take one step of projected gradient descent: Proj(noise - size * sign(gradient)) (Eq. 5), in 1/255.

    Args:
        noise: of one photo.
        gradient: of the loss at the noise.
        size: length of the step; a negative one ascends.
        epsilon: bound.
        share: share of the values that are moved, those with the largest gradients. What hardly matters to the loss
            stays as it is, which is seen less.
        worth: of each value, as a factor on its gradient where the largest are looked for.
    """
    if share < 1:
        strengths = gradient.abs() if worth is None else gradient.abs() * worth
        least = strengths.flatten().kthvalue(max(1, round((1 - share) * strengths.numel()))).values
        gradient = gradient * (strengths >= least)
    return (noise - size * gradient.sign()).clamp(-epsilon, epsilon)
