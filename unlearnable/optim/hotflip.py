"""HotFlip: which tokens would lower the loss most, by a first-order look at the token embeddings (Eq. 6)."""

from __future__ import annotations

from torch import Tensor


def scores(gradient: Tensor, table: Tensor) -> Tensor:
    """First-order fall of the loss for each word at each trigger position.

    Replacing token e by e' changes the loss by (e' - e) . g; the part with e is the same
    for all words and left out.

    Args:
        gradient: (b, k, w) of the loss at the trigger's token embeddings.
        table: (v, w) embeddings of the vocabulary's words.

    Returns:
        (b, k, v), larger is better.
    """
    return -(gradient @ table.T)


def candidates(fall: Tensor, allowed: Tensor, count: int) -> Tensor:
    """The `count` best words at each position, among those each post may use.

    Args:
        fall: (b, k, v) from `scores`, summed over surrogates.
        allowed: (b, v) bool.
        count: how many; fewer come where a post may use fewer.

    Returns:
        (b, k, count) positions in the vocabulary, best first.
    """
    most = min(count, int(allowed.sum(dim=1).min()))
    return fall.masked_fill(~allowed[:, None, :], float("-inf")).topk(most, dim=-1).indices
