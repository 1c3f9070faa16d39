"""Convolutions that cut patches or pad by TensorFlow's rule, without copies that a CPU takes long for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from timm.layers import Conv2dSame
from torch import Tensor, nn

from unlearnable.models.equivalents.depthwise import computed, depthwise, is_alone, padded


class Patches(nn.Conv2d):
    """A convolution that cuts a photo into patches, as one matrix product: its way back to the photo takes a tenth."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c, h / patch, w / patch) of photos (b, 3, h, w)."""
        photos, colours, (high, wide) = len(x), x.shape[1], self.kernel_size
        rows, columns = x.shape[2] // high, x.shape[3] // wide
        cut = x[:, :, : rows * high, : columns * wide].reshape(photos, colours, rows, high, columns, wide)
        flat = cut.permute(0, 2, 4, 1, 3, 5).reshape(photos, rows * columns, -1)
        return F.linear(flat, self.weight.flatten(1), self.bias).mT.reshape(photos, -1, rows, columns)


class SamePadded(Conv2dSame):  # type: ignore[misc]
    """TensorFlow's padding, one place more behind than before, by a kernel with a row and a column of zeros in front.

    timm's copies the map into a larger one, and the gradient back.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c', h / stride, w / stride), rounded up, of a map (b, c, h, w)."""
        if x.device.type != "cpu" or self.dilation != (1, 1):
            return super().forward(x)  # type: ignore[no-any-return]
        x, weight, bias = computed(x, self.weight, self.bias)
        down, across = zip(x.shape[2:], self.stride, self.kernel_size, strict=True)
        around = _around(*down), _around(*across)
        if x.dtype == torch.bfloat16 and is_alone(self):  # whose gradients the library has no fast code for
            return depthwise(x, weight, bias, self.stride, around)
        return padded(x, weight, bias, self.stride, around, self.groups)


def cuts_patches(layer: nn.Conv2d) -> bool:
    """Return whether a convolution cuts a photo into patches: side by side, and nothing around it."""
    plain = layer.padding == (0, 0) and layer.dilation == (1, 1) and layer.groups == 1
    return layer.in_channels == 3 and layer.kernel_size == layer.stride and plain


def _around(size: int, step: int, kernel: int) -> tuple[int, int]:
    """Return the zeros before and after a row of so many places."""
    total = max((-(-size // step) - 1) * step + kernel - size, 0)
    return total // 2, -(-total // 2)
