"""Beam search from the first word to the last, where a language model offers the words and fluency has a price."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unlearnable.optim.beam import Judge

Offer = Callable[[Tensor], tuple[Tensor, Tensor]]


def fluent_search(
    current: Tensor, cost: Tensor, offer: Offer, judge: Judge, width: int, weight: float
) -> tuple[Tensor, Tensor]:
    """Write triggers anew, word by word, and keep what a post has where that is better.

    What is minimised is loss + `weight` * cost, the cost of a trigger being the sum of its
    words' negative log-likelihoods, each given the words before it. Until a position is
    reached the word that stands there now holds its place in front of the judge.

    Args:
        current: (b, k) the words now, as numbers.
        cost: (b,) of those.
        offer: takes the first words of triggers (b, w, j); gives words (b, w, c) for the next
            position and their costs (b, w, c), infinite for words not to be tried.
        judge: takes triggers (b, n, k) and a mask (b, n) of those worth scoring; gives losses (b, n).
        width: triggers of a post that are kept on the way.
        weight: of the cost against the loss (lambda).

    Returns:
        triggers (b, k) and their costs (b,).
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
        scores = (judge(fresh, worth) + weight * total).masked_fill(~worth, float("inf"))
        scores, chosen = scores.topk(min(width, scores.shape[1]), dim=1, largest=False)
        beams = fresh.gather(1, chosen[..., None].expand(-1, -1, length))
        paid, best = total.gather(1, chosen), scores[:, 0]
    everyone = torch.ones(len(current), 1, dtype=torch.bool)
    kept = judge(current[:, None, :], everyone)[:, 0] + weight * cost <= best
    return torch.where(kept[:, None], current, beams[:, 0]), torch.where(kept, cost, paid[:, 0])
