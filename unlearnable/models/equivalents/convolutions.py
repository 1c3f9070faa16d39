"""Convolutions that pad no copies, and whose ways back avoid what is slow on a CPU."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

KERNEL, PIECE = 5, 3  # sides of a kernel, and of the parts of it whose gradients are fast to compute


class Patches(nn.Conv2d):
    """A convolution that cuts a photo into patches, as one matrix product: its way back to the photo takes a tenth."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c, h / patch, w / patch) of photos (b, 3, h, w)."""
        photos, colours, (high, wide) = len(x), x.shape[1], self.kernel_size
        rows, columns = x.shape[2] // high, x.shape[3] // wide
        cut = x[:, :, : rows * high, : columns * wide].reshape(photos, colours, rows, high, columns, wide)
        flat = cut.permute(0, 2, 4, 1, 3, 5).reshape(photos, rows * columns, -1)
        return F.linear(flat, self.weight.flatten(1), self.bias).mT.reshape(photos, -1, rows, columns)


class Depthwise(nn.Conv2d):
    """A convolution of each channel by itself with a kernel of 5 x 5, whose gradient is computed in four parts.

    That takes half of the time, since the library has fast code for 3 x 3; in bf16 all of it is left to the library.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c, h, w) of a map (b, c, h, w)."""
        if not _in_fp32(x):
            return super().forward(x)
        return _Depthwise.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call, no-any-return]


class SamePadded(Conv2dSame):  # type: ignore[misc]
    """TensorFlow's padding, one place more behind than before, by a kernel with a row and a column of zeros in front.

    timm's copies the map into a larger one, and the gradient back. In bf16 such kernels are slow.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c', h / stride, w / stride), rounded up, of a map (b, c, h, w)."""
        if not _in_fp32(x) or self.dilation != (1, 1):
            return super().forward(x)  # type: ignore[no-any-return]
        totals = [
            max((-(-size // step) - 1) * step + kernel - size, 0)
            for size, step, kernel in zip(x.shape[2:], self.stride, self.kernel_size, strict=True)
        ]
        high, odd = [-(-total // 2) for total in totals], [total % 2 for total in totals]
        weight = F.pad(self.weight, (odd[1], 0, odd[0], 0)) if any(odd) else self.weight
        return F.conv2d(x, weight, self.bias, self.stride, high, 1, self.groups)


def cuts_patches(layer: nn.Conv2d) -> bool:
    """Return whether a convolution cuts a photo into patches: side by side, and nothing around it."""
    plain = layer.padding == (0, 0) and layer.dilation == (1, 1) and layer.groups == 1
    return layer.in_channels == 3 and layer.kernel_size == layer.stride and plain


def is_depthwise(layer: nn.Conv2d) -> bool:
    """Return whether a convolution is one of each channel by itself, as `Depthwise` computes it."""
    alone = layer.groups == layer.in_channels == layer.out_channels
    plain = layer.stride == layer.dilation == (1, 1) and layer.padding == (KERNEL // 2, KERNEL // 2)
    return alone and plain and layer.kernel_size == (KERNEL, KERNEL) and layer.padding_mode == "zeros"


def _in_fp32(x: Tensor) -> bool:
    return x.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, bias, padding=KERNEL // 2, groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        to_map, to_weight, to_bias = ctx.needs_input_grad
        return (
            _gradients(gradient, x, weight, KERNEL // 2, (True, False, False))[0] if to_map else None,
            _in_parts(gradient, x, weight) if to_weight else None,
            gradient.sum(dim=(0, 2, 3)) if to_bias else None,
        )


def _in_parts(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient at a kernel (c, 1, 5, 5) of maps (b, c, h, w)."""
    around, found, (height, width) = F.pad(x, (KERNEL // 2,) * 4), torch.empty_like(weight), x.shape[2:]
    for row, column in product((0, KERNEL - PIECE), repeat=2):
        seen = around[:, :, row : row + height + PIECE - 1, column : column + width + PIECE - 1]
        part = (..., slice(row, row + PIECE), slice(column, column + PIECE))
        seen = seen.contiguous(memory_format=torch.channels_last)
        found[part] = _gradients(gradient, seen, weight[part], 0, (False, True, False))[1]
    return found


def _gradients(gradient: Tensor, x: Tensor, weight: Tensor, padding: int, wanted: tuple[bool, ...]) -> list[Tensor]:
    """Return PyTorch's gradients of a convolution at the map, the kernel and the bias, those that are wanted."""
    one, none, around = [1, 1], [0, 0], [padding, padding]
    return torch.ops.aten.convolution_backward(  # type: ignore[no-any-return]
        gradient, x, weight, None, one, around, one, False, none, len(weight), wanted
    )
