"""Rectified linear units that take fewer passes over memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

SIX = 0x40C0  # 6 in bf16, read as an integer


class IntegerReLU(nn.ReLU):
    """A ReLU that compares numbers in bf16 as integers, in place: as integers they have the same sign and order.

    PyTorch converts them to fp32 and back, which takes six times as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the positive part of numbers of any shape."""
        if self.inplace and x.dtype == torch.bfloat16 and x.device.type == "cpu":
            return _IntegerReLU.apply(x)  # type: ignore[no-untyped-call, no-any-return]
        return super().forward(x)


class LeanReLU6(nn.ReLU6):
    """A ReLU6 that keeps its output for the way back, where PyTorch's copies its input first; in bf16 as integers."""

    def forward(self, x: Tensor) -> Tensor:
        """Return numbers of any shape cut off at 0 and 6."""
        if self.inplace and x.device.type == "cpu":
            return _LeanReLU6.apply(x)  # type: ignore[no-untyped-call, no-any-return]
        return super().forward(x)


class _IntegerReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        x.view(torch.int16).clamp_min_(0)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (output,) = (each.view(torch.int16) for each in ctx.saved_tensors)
        found: Tensor = torch.ops.aten.threshold_backward(gradient.view(torch.int16), output, 0)
        return found.view(torch.bfloat16)


class _LeanReLU6(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        if x.dtype == torch.bfloat16:
            x.view(torch.int16).clamp_(0, SIX)
        else:
            x.clamp_(0, 6)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (output,) = ctx.saved_tensors
        found: Tensor = torch.ops.aten.hardtanh_backward(gradient, output, 0.0, 6.0)
        return found
