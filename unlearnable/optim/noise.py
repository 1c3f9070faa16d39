"""The signed gradient step on the noise (Eq. 5)."""

from __future__ import annotations

from torch import Tensor


def signed_step(noise: Tensor, gradient: Tensor, size: float, epsilon: int, share: float = 1.0) -> Tensor:
    """Take one step of projected gradient descent: Proj(noise - size * sign(gradient)) (Eq. 5), in 1/255.

    Args:
        noise: of one photo.
        gradient: of the loss at the noise.
        size: length of the step; a negative one ascends.
        epsilon: bound.
        share: share of the values that are moved, those with the largest gradients. What hardly matters to the loss
            stays as it is, which is seen less.
    """
    if share < 1:
        strengths = gradient.abs()
        least = strengths.flatten().kthvalue(max(1, round((1 - share) * strengths.numel()))).values
        gradient = gradient * (strengths >= least)
    return (noise - size * gradient.sign()).clamp(-epsilon, epsilon)
