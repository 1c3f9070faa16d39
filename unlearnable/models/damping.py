"""Gradients that come back through skip connections rather than through the layers beside them.

What noise gains along skip connections carries over to other models better (Wu et al., "Skip Connections Matter: On the
Transferability of Adversarial Examples Generated with ResNets", ICLR 2020).
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from open_clip.modified_resnet import Bottleneck
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

SHARE = 0.5  # of the gradient that comes back beside a skip connection (docs/results/variants.csv)


class Damped(nn.Module):
    """What is handed on as it is, and comes back at a share."""

    def forward(self, x: Tensor) -> Tensor:
        """Return numbers of any shape."""
        return _Damped.apply(x)  # type: ignore[no-untyped-call, no-any-return]


def damped(tower: nn.Module) -> nn.Module:
    """Return a copy of a convolutional tower whose residual blocks damp gradients; the tower itself if it has none.

    Its layers are those of `replace_slow`, which add into new tensors. A transformer stays as it is: its own kind is
    misled less by such gradients.
    """
    if not any(map(_last, tower.modules())):
        return tower
    other = copy.deepcopy(tower)
    for block in list(other.modules()):
        if name := _last(block):
            block.set_submodule(name, nn.Sequential(block.get_submodule(name), Damped()))
    return other


def _last(block: nn.Module) -> str:
    """Return the name of the last layer beside a skip connection of a block, or an empty string."""
    if isinstance(block, Bottleneck):
        return "bn3"
    return "drop_path" if getattr(block, "has_skip", False) and hasattr(block, "drop_path") else ""


class _Damped(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return gradient * SHARE
