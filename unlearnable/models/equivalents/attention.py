"""Attention of transformers, and of the pool of CLIP's ResNets."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import AttentionPool2d
from torch import Tensor, nn


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
