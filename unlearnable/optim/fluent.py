"""Beam search from the first word to the last over words that a language model proposes, at a cost in fluency."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unlearnable.optim.beam import TriggerLoss

Offer = Callable[[Tensor], tuple[Tensor, Tensor]]


def fluent_search(
    current: Tensor, cost: Tensor, offer: Offer, loss_of: TriggerLoss, width: int, weight: float
) -> tuple[Tensor, Tensor]:
    """Write new triggers word by word, and keep a post's current trigger if that is better.

    The search minimises loss + `weight` * cost, where the cost of a trigger is the sum of its
    words' negative log-likelihoods, each given the words before it. At positions that are not yet
    reached, triggers are scored with their current words.

    Args:
        current: (b, k) current words, as numbers.
        cost: (b,) cost of the current triggers.
        offer: function from the first words of triggers (b, w, j) to words (b, w, c) for the next
            position and their costs (b, w, c), infinite for words that must not be tried.
        loss_of: function from triggers (b, n, k) and a mask (b, n) of those to score to losses (b, n).
        width: number of triggers kept for each post.
        weight: weight of the cost against the loss (lambda).

    Returns:
        Triggers (b, k) and their costs (b,).
    """
    length = current.shape[1]
    beams, paid = current[:, None, :], torch.zeros(len(current), 1)  # (b, w, k), (b, w)
    best = torch.full((len(current),), float("inf"))
    for position in range(length):
        words, costs = offer(beams[..., :position])
        repeated = (beams[..., None, :position] == words[..., None]).any(dim=-1)
        total = (paid[..., None] + costs).masked_fill(repeated, float("inf")).flatten(1)  # (b, w * c)
        grown = beams[:, :, None, :].repeat(1, 1, words.shape[2], 1)
        grown[..., position] = words
        fresh, worth = grown.flatten(1, 2), total.isfinite()
        if not worth.any():
            return current, cost
        scores = (loss_of(fresh, worth) + weight * total).masked_fill(~worth, float("inf"))
        scores, chosen = scores.topk(min(width, scores.shape[1]), dim=1, largest=False)
        beams = fresh.gather(1, chosen[..., None].expand(-1, -1, length))
        paid, best = total.gather(1, chosen), scores[:, 0]
    all_posts = torch.ones(len(current), 1, dtype=torch.bool)
    unchanged = loss_of(current[:, None, :], all_posts)[:, 0] + weight * cost <= best
    return torch.where(unchanged[:, None], current, beams[:, 0]), torch.where(unchanged, cost, paid[:, 0])
