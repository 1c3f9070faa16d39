"""Copies of photo encoders for steps in which the weights stay: batch normalisation folded, gradients damped."""

from __future__ import annotations

import copy
from typing import Any

import torch
from open_clip.modified_resnet import Bottleneck
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.fusion import fuse_conv_bn_eval

CLOSE = 1e-3  # difference from the encoder as it was, as a share of its output, that rounding may make


@torch.no_grad()
def folded(encoder: nn.Module, side: int) -> nn.Module:
    """Return a photo encoder in evaluation mode that computes the same with fewer passes over memory.

    What feeds a normalisation is seen on one photo of noise. Of a encoder without batch normalisation after a
    convolution, or one that would compute something else without it, nothing is folded.

    Args:
        encoder: in evaluation mode; it stays as it is.
        side: side of the square photos that it takes, in pixels.

    Returns:
        A copy, or the encoder itself where nothing is folded.
    """
    weight = next(encoder.parameters())
    photo = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).to(weight)
    expected, pairs = _pairs(encoder, photo)
    if not pairs:
        return encoder
    other: nn.Module = copy.deepcopy(encoder)
    for convolution, normalisation in pairs:
        before: Any = other.get_submodule(convolution)
        after: Any = other.get_submodule(normalisation)
        fused = fuse_conv_bn_eval(before, after)
        other.set_submodule(convolution, fused.requires_grad_(False))  # no step asks for gradients of these copies
        other.set_submodule(normalisation, getattr(after, "act", nn.Identity()))  # timm's has the activation inside
    difference = (other(photo) - expected).norm() / expected.norm()
    return other.to(memory_format=torch.channels_last) if difference < CLOSE else encoder  # type: ignore[call-overload]


def halved(encoder: nn.Module) -> nn.Module:
    """Return a copy for a encoder that computes in bf16, whose large weights are in it and need not be converted."""
    other = copy.deepcopy(encoder)
    for layer in other.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.MultiheadAttention):
            layer.to(torch.bfloat16)
    return other


def _pairs(encoder: nn.Module, photo: Tensor) -> tuple[Tensor, list[tuple[str, str]]]:
    """Return the encoder's output for a photo, and the names of each convolution and the normalisation it feeds."""
    made: list[tuple[str, Tensor]] = []  # kept alive, so that no later tensor takes the place of an earlier one
    pairs: list[tuple[str, str]] = []

    def watch(name: str, module: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        if isinstance(module, nn.Conv2d):
            return [module.register_forward_hook(lambda _, __, output: made.append((name, output)))]
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
            return [module.register_forward_pre_hook(lambda _, given: fed(name, given[0]))]
        return []

    def fed(name: str, given: Tensor) -> None:
        pairs.extend((convolution, name) for convolution, output in made if output is given)

    handles = [handle for name, module in encoder.named_modules() for handle in watch(name, module)]
    try:
        expected: Tensor = encoder(photo)
    finally:
        for handle in handles:
            handle.remove()
    return expected, pairs


SHARE = 0.5  # of the gradient that comes back beside a skip connection (docs/results/variants.csv)


class Damped(nn.Module):
    """What is handed on as it is, and comes back at a share."""

    def forward(self, x: Tensor) -> Tensor:
        """Return numbers of any shape."""
        return _Damped.apply(x)  # type: ignore[no-untyped-call, no-any-return]


def damped(encoder: nn.Module) -> nn.Module:
    """Return a copy of a convolutional encoder whose residual blocks damp gradients; the encoder itself if it has none.

    Its layers are those of `replace_slow`, which add into new tensors. A transformer stays as it is: features of its
    own kind shift less by such gradients.
    """
    if not any(map(_last, encoder.modules())):
        return encoder
    other = copy.deepcopy(encoder)
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
