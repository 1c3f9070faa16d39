"""Convolutions of each channel by itself, whose ways back avoid what is slow on a CPU."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

KERNEL, PIECE = 5, 3  # sides of a kernel, and of the parts of it whose gradients are fast to compute

Pair = tuple[int, int]
Places = tuple[Pair, Pair]  # places around a map: above and below it, left and right of it


class Depthwise(nn.Conv2d):
    """A convolution with a kernel of 5 x 5, whose gradient is computed in four parts, for which there is fast code."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c, h, w) of a map (b, c, h, w)."""
        if x.device.type != "cpu":
            return super().forward(x)
        around = (KERNEL // 2, KERNEL // 2)
        return depthwise(*computed(x, self.weight, self.bias), (1, 1), (around, around))


def is_depthwise(layer: nn.Conv2d) -> bool:
    """Return whether a convolution is one of each channel by itself, as `Depthwise` computes it."""
    plain = layer.stride == layer.dilation == (1, 1) and layer.padding == (KERNEL // 2, KERNEL // 2)
    return is_alone(layer) and plain and layer.kernel_size == (KERNEL, KERNEL) and layer.padding_mode == "zeros"


def is_alone(layer: nn.Conv2d) -> bool:
    """Return whether a convolution is one of each channel by itself, of which `depthwise` can compute the gradients."""
    return layer.groups == layer.in_channels == layer.out_channels and all(side % 2 for side in layer.kernel_size)


def computed(x: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return a map and weights in the format that autocast computes in, or as they are without it."""
    if not torch.is_autocast_enabled("cpu"):
        return x, weight, bias
    kind = torch.get_autocast_dtype("cpu")
    return x.to(kind), weight.to(kind), None if bias is None else bias.to(kind)


def depthwise(x: Tensor, weight: Tensor, bias: Tensor | None, step: Pair, around: Places) -> Tensor:
    """Return the convolution of each channel of a map (b, c, h, w) with its kernel (c, 1, k, l) of odd sides.

    Args:
        x: the map.
        weight: the kernels.
        bias: (c,) or None.
        step: places from one output to the next, down and across.
        around: zeros around the map; before it no more than fit half of a kernel, and after it at most one more.
    """
    return _Depthwise.apply(x, weight, bias, step, around)  # type: ignore[no-untyped-call, no-any-return]


def padded(x: Tensor, weight: Tensor, bias: Tensor | None, step: Pair, around: Places, groups: int) -> Tensor:
    """Return a convolution of a map with zeros around it; one more behind is a row or column of zeros in the kernel."""
    odd = [after - before for before, after in around]
    weight = F.pad(weight, (odd[1], 0, odd[0], 0)) if any(odd) else weight
    return F.conv2d(x, weight, bias, step, [after for _, after in around], 1, groups)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, step: Pair, around: Places) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.step, ctx.around = step, around
        return padded(x, weight, bias, step, around, len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        to_map, to_weight, to_bias = ctx.needs_input_grad[:3]
        return (
            _at_map(gradient, x, weight, ctx.step, ctx.around) if to_map else None,
            _at_kernel(gradient, x, weight, ctx.step, ctx.around) if to_weight else None,
            gradient.sum(dim=(0, 2, 3)) if to_bias else None,
            None,
            None,
        )


def _at_map(gradient: Tensor, x: Tensor, weight: Tensor, step: Pair, around: Places) -> Tensor:
    """Return the gradient at the map: the gradient, with zeros between its places, through the kernel turned round."""
    halves = [side // 2 for side in weight.shape[2:]]
    if step != (1, 1):
        places = [
            slice(first := half - before, first + (count - 1) * each + 1, each)
            for half, (before, _), count, each in zip(halves, around, gradient.shape[2:], step, strict=True)
        ]
        apart = torch.zeros_like(x)
        apart[:, :, places[0], places[1]] = gradient
        gradient = apart
    return F.conv2d(gradient, weight.flip(2, 3), None, 1, halves, 1, len(weight))


def _at_kernel(gradient: Tensor, x: Tensor, weight: Tensor, step: Pair, around: Places) -> Tensor:
    """Return the gradient at the kernel, of one of 5 x 5 in fp32: the library has no fast code for it in bf16."""
    wide = F.pad(x, (*around[1], *around[0]))
    if weight.shape[2:] != (KERNEL, KERNEL):
        return _gradient(gradient, wide, weight, step)
    gradient, wide, exact = gradient.float(), wide.float(), weight.float()
    if step != (1, 1):
        return _gradient(gradient, wide, exact, step).to(weight)
    found, (height, width) = torch.empty_like(exact), gradient.shape[2:]
    for row, column in product((0, KERNEL - PIECE), repeat=2):
        seen = wide[:, :, row : row + height + PIECE - 1, column : column + width + PIECE - 1]
        part = (..., slice(row, row + PIECE), slice(column, column + PIECE))
        found[part] = _gradient(gradient, seen.contiguous(memory_format=torch.channels_last), exact[part], step)
    return found.to(weight)


def _gradient(gradient: Tensor, x: Tensor, weight: Tensor, step: Pair) -> Tensor:
    """Return PyTorch's gradient of a convolution without padding at its kernel."""
    one, none, only_weight = [1, 1], [0, 0], (False, True, False)
    return torch.ops.aten.convolution_backward(  # type: ignore[no-any-return]
        gradient, x, weight, None, list(step), none, one, False, none, len(weight), only_weight
    )[1]
