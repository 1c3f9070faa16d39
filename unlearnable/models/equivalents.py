"""Layers that compute what open_clip's compute, in less time on a CPU (docs/experiments/performance.md).

Each takes the place of a layer by its class alone, so that the names of weights and copies of models stay as they are.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import AttentionPool2d
from torch import Tensor, nn


class PlainAttention(nn.MultiheadAttention):
    """Attention by two matrix products where a CPU computes in bf16.

    PyTorch's own kernel takes up to six times as long there, most of it on the way back. It gives no weights of
    attention, so that to ask for them is to ask for the two products.
    """

    def forward(  # type: ignore[override]
        self, query: Tensor, key: Tensor, value: Tensor, need_weights: bool = False, **options: Any
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output, and the weights of attention if they are wanted."""
        if need_weights or not _in_bf16():
            return super().forward(query, key, value, need_weights=need_weights, **options)
        options["average_attn_weights"] = False  # nobody wants them, so that there is nothing to average
        return super().forward(query, key, value, need_weights=True, **options)[0], None


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


class Patches(nn.Conv2d):
    """A convolution that cuts a photo into patches, as one matrix product: its way back to the photo takes a tenth."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c, h / patch, w / patch) of photos (b, 3, h, w)."""
        photos, colours, (high, wide) = len(x), x.shape[1], self.kernel_size
        rows, columns = x.shape[2] // high, x.shape[3] // wide
        cut = x[:, :, : rows * high, : columns * wide].reshape(photos, colours, rows, high, columns, wide)
        flat = cut.permute(0, 2, 4, 1, 3, 5).reshape(photos, rows * columns, -1)
        return F.linear(flat, self.weight.flatten(1), self.bias).mT.reshape(photos, -1, rows, columns)


def replace_slow(module: nn.Module) -> nn.Module:
    """Give the layers of a model that are slow on a CPU the classes above, and return the model."""
    for layer in module.modules():
        if type(layer) is nn.MultiheadAttention:
            layer.__class__ = PlainAttention
        elif type(layer) is AttentionPool2d:
            layer.__class__ = FirstTokenPool
        elif type(layer) is nn.Conv2d and _cuts(layer):
            layer.__class__ = Patches
    return module


def _in_bf16() -> bool:
    return torch.is_autocast_enabled("cpu")


def _cuts(layer: nn.Conv2d) -> bool:
    """Return whether a convolution cuts a photo into patches: side by side, and nothing around it."""
    plain = layer.padding == (0, 0) and layer.dilation == (1, 1) and layer.groups == 1
    return layer.in_channels == 3 and layer.kernel_size == layer.stride and plain
