"""Hit@k and Medr both ways: where the true partner stands when a gallery is ranked by similarity.

Ranks count from 1 and ties count against the model. Image -> text takes the best-ranked
of a photo's captions; text -> image ranks every caption.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 1024


@dataclass(frozen=True)
class Ranks:
    """1-based ranks of the true partner, one a query."""

    image_to_text: Tensor  # (photos,)
    text_to_image: Tensor  # (captions,)


def hit(ranks: Tensor, k: int = 10) -> float:
    """Hit@k: the share of queries whose partner is among the first k, in per cent."""
    return 100.0 * float((ranks <= k).float().mean())


def medr(ranks: Tensor) -> float:
    """Medr: the median rank (the mean of the middle two where their number is even)."""
    return float(ranks.double().quantile(0.5))


def rank(image_features: Tensor, text_features: Tensor, photo_of_caption: Tensor) -> Ranks:
    """Rank captions for each photo and photos for each caption.

    Args:
        image_features: (p, d), normalised.
        text_features: (c, d), normalised.
        photo_of_caption: (c,) the photo each caption belongs to.

    Raises:
        ValueError: a feature is not a finite number.
    """
    if not (image_features.isfinite().all() and text_features.isfinite().all()):
        raise ValueError("features must be finite to be ranked")
    text_ranks, best = [], torch.full((len(image_features),), len(text_features) + 1)
    for start in range(0, len(text_features), CHUNK):
        rows = slice(start, start + CHUNK)
        scores = text_features[rows] @ image_features.T  # (chunk, p)
        own = scores.gather(1, photo_of_caption[rows, None])
        text_ranks.append((scores >= own).sum(dim=1))
    for start in range(0, len(image_features), CHUNK):
        scores = image_features[start : start + CHUNK] @ text_features.T  # (chunk, c)
        for row, line in enumerate(scores):
            own = line[photo_of_caption == start + row]
            if len(own):
                best[start + row] = _best_rank(line, own)
    return Ranks(best, torch.cat(text_ranks))


def _best_rank(line: Tensor, own: Tensor) -> int:
    """Rank of the photo's best caption; its other captions do not push it down."""
    top = own.max()
    return int((line >= top).sum() - (own >= top).sum()) + 1
