"""Layers that compute what open_clip's and timm's compute, in less time on a CPU.

Each takes the place of a layer by its class alone, so that the names of weights and copies of models stay as they are.
A run of the examples on one core takes longer without them, in CPU time: by 13 % without the attention alone, by 7 to
11 % without the depthwise convolutions, and by 7 % without the rectified linear units.
"""

from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import AttentionPool2d, Bottleneck
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

SIX = 0x40C0  # 6 in bf16, read as an integer


class IntegerReLU(nn.ReLU):
    """A ReLU that compares numbers in bf16 as integers, in place: as integers they have the same sign and order.

    PyTorch converts them to fp32 and back, which takes six times as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the positive part."""
        if self.inplace and x.dtype == torch.bfloat16 and x.device.type == "cpu":
            return _IntegerReLU.apply(x)  # type: ignore[no-untyped-call, no-any-return]
        return super().forward(x)


class LeanReLU6(nn.ReLU6):
    """A ReLU6 that keeps its output for the way back, where PyTorch's copies its input first; in bf16 as integers."""

    def forward(self, x: Tensor) -> Tensor:
        """Return numbers cut off at 0 and 6."""
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


class PlainAttention(nn.MultiheadAttention):
    """Attention by two matrix products where a CPU computes in bf16.

    PyTorch's own kernel takes up to six times as long there, most of it on the way back.
    """

    def forward(  # type: ignore[override]
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output, and the weights of attention if they are wanted."""
        if need_weights or options or not _in_bf16() or not query is key is value:
            return super().forward(query, key, value, need_weights=need_weights, attn_mask=attn_mask, **options)
        tokens = query if self.batch_first else query.transpose(0, 1)
        asked, keys, values = (
            each.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (b, heads, t, d / heads)
            for each in F.linear(tokens, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        )
        scores = (asked * asked.shape[-1] ** -0.5) @ keys.mT
        if attn_mask is not None:
            scores = scores + attn_mask
        seen = (scores.softmax(dim=-1).to(values.dtype) @ values).transpose(1, 2).flatten(2)
        output = self.out_proj(seen)
        return (output if self.batch_first else output.transpose(0, 1)), None


class FirstTokenPool(AttentionPool2d):  # type: ignore[misc]
    """The pool of CLIP's ResNets, which returns what the mean token sees, without asking what the others see.

    One query needs no keys and values of all places: a head's query is multiplied by the weights of its keys instead,
    and what it sees by those of its values.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, d) of a map (b, c, h, w)."""
        places = x.flatten(2).mT
        tokens = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1)
        tokens = tokens + self.positional_embedding.to(x.dtype)  # (b, t, c)
        query = self.q_proj(tokens[:, 0]).unflatten(1, (self.num_heads, -1))  # (b, heads, c / heads)
        query = query * query.shape[-1] ** -0.5
        keys, keys_bias, values, values_bias = (
            weights.to(query.dtype).unflatten(0, (self.num_heads, -1))  # (heads, c / heads) and (heads, c / heads, c)
            for layer in (self.k_proj, self.v_proj)
            for weights in (layer.weight, layer.bias)
        )
        asked = torch.einsum("bnd,ndc->bnc", query, keys)
        same = (query * keys_bias).sum(dim=-1, keepdim=True)  # for all places
        weights = (asked @ tokens.mT + same).softmax(dim=-1)  # (b, heads, t)
        seen = torch.einsum("bnc,ndc->bnd", weights @ tokens, values) + values_bias
        return F.linear(seen.flatten(1), self.c_proj.weight, self.c_proj.bias)


def _in_bf16() -> bool:
    return torch.is_autocast_enabled("cpu")


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


def _is_depthwise(layer: nn.Conv2d) -> bool:
    """Return whether a convolution is one of each channel by itself, as `Depthwise` computes it."""
    plain = layer.stride == layer.dilation == (1, 1) and layer.padding == (KERNEL // 2, KERNEL // 2)
    return is_alone(layer) and plain and layer.kernel_size == (KERNEL, KERNEL) and layer.padding_mode == "zeros"


def is_alone(layer: nn.Conv2d) -> bool:
    """Return whether a convolution is one of each channel by itself, so that `depthwise` can compute its gradients."""
    return layer.groups == layer.in_channels == layer.out_channels and all(side % 2 for side in layer.kernel_size)


def computed(x: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return a map and weights in the format that autocast computes in, or as they are without it."""
    if not torch.is_autocast_enabled("cpu"):
        return x, weight, bias
    kind = torch.get_autocast_dtype("cpu")
    return x.to(kind), weight.to(kind), None if bias is None else bias.to(kind)


def depthwise(x: Tensor, weight: Tensor, bias: Tensor | None, step: Pair, around: Places) -> Tensor:
    """Return the convolution of each channel of a map (b, c, h, w) with its kernel (c, 1, k, l) of odd sides.

    Zeros around the map are before it no more than fit half of a kernel, and after it at most one more.
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


CLASSES: dict[type[nn.Module], type[nn.Module]] = {
    nn.MultiheadAttention: PlainAttention,
    AttentionPool2d: FirstTokenPool,
    Bottleneck: ForkedBottleneck,
    Conv2dSame: SamePadded,
    nn.ReLU: IntegerReLU,
    nn.ReLU6: LeanReLU6,
}


def replace_slow(module: nn.Module) -> nn.Module:
    """Give the layers of a model that are slow on a CPU the classes of this package, and return the model."""
    for layer in module.modules():
        layer.__class__ = equivalent(layer)
    return module


def equivalent(layer: nn.Module) -> type[nn.Module]:
    """Return the class that computes the same as a layer in less time, or the layer's own."""
    kind = type(layer)
    if isinstance(layer, nn.Conv2d) and kind is nn.Conv2d:
        return Patches if cuts_patches(layer) else Depthwise if _is_depthwise(layer) else kind
    if isinstance(layer, nn.AvgPool2d) and kind is nn.AvgPool2d:
        return pool_of(layer)
    return CLASSES.get(kind, kind)
