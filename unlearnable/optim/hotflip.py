"""HotFlip: the tokens that would lower the loss most, by a first-order estimate at the token embeddings (Eq. 6)."""

from __future__ import annotations

from torch import Tensor


def scores(gradient: Tensor, table: Tensor) -> Tensor:
    """Return the first-order fall of the loss for each word at each trigger position.

    Replacing token e by e' changes the loss by (e' - e) . g; the term in e is the same
    for all words and left out.

    Args:
        gradient: (b, k, w) gradient of the loss at the trigger's token embeddings.
        table: (v, w) embeddings of the vocabulary's words.

    Returns:
        (b, k, v), larger is better.
    """
    return -(gradient @ table.T)


def candidates(fall: Tensor, allowed: Tensor, count: int) -> Tensor:
    """Return the `count` best words at each position, among those that each post may use.

    Args:
        fall: (b, k, v) falls of the loss from `scores`, summed over surrogates.
        allowed: (b, v) bool, the words that each post may use.
        count: number of words; fewer are returned if some post may use fewer.

    Returns:
        (b, k, count) positions in the vocabulary, best first.
    """
    most = min(count, int(allowed.sum(dim=1).min()))
    return fall.masked_fill(~allowed[:, None, :], float("-inf")).topk(most, dim=-1).indices
