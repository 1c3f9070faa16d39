"""Beam search over trigger words, from first to last, with each post scored by its own loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

TriggerLoss = Callable[[Tensor, Tensor], Tensor]


def beam_search(current: Tensor, options: Tensor, loss_of: TriggerLoss, width: int) -> tuple[Tensor, Tensor]:
    """Choose words position by position, keeping the `width` best triggers of every post.

    The current trigger of a post competes too, so that its loss never rises. No word
    occurs twice in a trigger.

    Args:
        current: (b, k) current words, as numbers.
        options: (b, k, c) words to try at each position.
        loss_of: function from triggers (b, n, k) and a mask (b, n) of those to score to losses (b, n).
        width: number of triggers kept for each post.

    Returns:
        Triggers (b, k) and their losses (b,).
    """
    length = current.shape[1]
    beams = current[:, None, :]  # (b, w, k)
    losses = loss_of(beams, torch.ones(beams.shape[:2], dtype=torch.bool))
    for position in range(length):
        tried = options[:, position]  # (b, c)
        grown = beams[:, :, None, :].repeat(1, 1, tried.shape[1], 1)  # (b, w, c, k)
        there = (grown == tried[:, None, :, None]).any(dim=-1).flatten(1)
        grown[..., position] = tried[:, None, :]
        fresh = grown.flatten(1, 2)  # (b, w * c, k)
        once = (fresh[..., None] == fresh[..., None, :]).sum(dim=(2, 3)) == length  # each word equals itself alone
        worth = once & ~there
        if not worth.any():
            continue
        scores = loss_of(fresh, worth).masked_fill(~worth, float("inf"))
        pool, losses = torch.cat([beams, fresh], dim=1), torch.cat([losses, scores], dim=1)
        losses, best = losses.topk(min(width, losses.shape[1]), dim=1, largest=False)
        beams = pool.gather(1, best[..., None].expand(-1, -1, length))
    return beams[:, 0], losses[:, 0]
