"""HotFlip: the words that would lower the loss most, by a first-order estimate (Eq. 6)."""

from __future__ import annotations

from torch import Tensor


def candidates(fall: Tensor, allowed: Tensor, count: int) -> Tensor:
    """Return the `count` best words at each position, among those that each post may use.

    Args:
        fall: (b, k, v) falls of the loss, summed over surrogates.
        allowed: (b, v) bool, the words that each post may use.
        count: number of words; fewer are returned if some post may use fewer.

    Returns:
        (b, k, count) positions in the vocabulary, best first.
    """
    most = min(count, int(allowed.sum(dim=1).min()))
    return fall.masked_fill(~allowed[:, None, :], float("-inf")).topk(most, dim=-1).indices
