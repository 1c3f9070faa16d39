"""A block of CLIP's ResNet and its pools of the mean, with gradients that are added and spread in one pass."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import Bottleneck
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class ForkedBottleneck(Bottleneck):  # type: ignore[misc]
    """A block whose two ways are added into a new tensor, there and back: in place that takes three times as long."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c', h', w') of a map (b, c, h, w)."""
        along, across = _Fork.apply(x)  # type: ignore[no-untyped-call]
        along = self.act1(self.bn1(self.conv1(along)))
        along = self.avgpool(self.act2(self.bn2(self.conv2(along))))
        along = self.bn3(self.conv3(along))
        if self.downsample is not None:
            across = self.downsample(across)
        return self.act3(along + across)  # type: ignore[no-any-return]


class NoPool(nn.AvgPool2d):
    """The mean of one place, which is the place."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the map as it is."""
        return x


class MeanOfFour(nn.AvgPool2d):
    """A pool of 2 x 2 places whose gradient is spread as a copy."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c, h / 2, w / 2) of a map (b, c, h, w)."""
        return _MeanOfFour.apply(x) if x.device.type == "cpu" else super().forward(x)  # type: ignore[no-untyped-call]


def pool_of(layer: nn.AvgPool2d) -> type[nn.AvgPool2d]:
    """Return the class that computes the same as a pool in less time, or the library's."""
    plain = layer.padding in (0, (0, 0)) and layer.kernel_size == layer.stride and not layer.ceil_mode
    if not plain or not isinstance(layer.kernel_size, int):
        return nn.AvgPool2d
    return {1: NoPool, 2: MeanOfFour}.get(layer.kernel_size, nn.AvgPool2d)


class _Fork(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.view_as(x), x.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(_: Any, first: Tensor, second: Tensor) -> Tensor:
        return first + second


class _MeanOfFour(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.sides = x.shape[-2:]
        return F.avg_pool2d(x, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        quarter = (gradient / 4).permute(0, 2, 3, 1)
        photos, rows, columns, channels = quarter.shape
        spread = quarter.new_empty(photos, rows, 2, columns, 2, channels)
        spread.copy_(quarter[:, :, None, :, None])
        height, width = ctx.sides
        whole = spread.view(photos, 2 * rows, 2 * columns, channels).permute(0, 3, 1, 2)
        return F.pad(whole, (0, width % 2, 0, height % 2)) if height % 2 or width % 2 else whole
