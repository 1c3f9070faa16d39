"""The signed gradient step on the noise (Eq. 5)."""

from __future__ import annotations

from torch import Tensor


def signed_step(noise: Tensor, gradient: Tensor, size: float, epsilon: int) -> Tensor:
    """Take one step of projected gradient descent: Proj(noise - size * sign(gradient)) (Eq. 5), in 1/255."""
    return (noise - size * gradient.sign()).clamp(-epsilon, epsilon)
