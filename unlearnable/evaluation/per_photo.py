"""The figures of single held-out photos, which intervals are drawn from: captions of one photo count together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unlearnable.evaluation.intervals import Interval, interval
from unlearnable.results import Cell

Way = Literal["image_to_text", "text_to_image"]
HIT = 10


def hits(cells: Sequence[Cell], way: Way, photo_of_caption: Sequence[int]) -> NDArray[np.float64] | None:
    """Return what each photo adds to Hit@10 in per cent (s, p), a row a cell, the mean of all being Hit@10.

    Args:
        cells: cells of one gallery, one a seed.
        way: direction of the ranking.
        photo_of_caption: photo of each caption of the gallery; empty where caption n is that of photo n.

    Returns:
        The figures; None where there is no cell or one has no ranks.
    """
    found = []
    for cell in cells:
        if cell.ranks is None:
            return None
        ranks = np.asarray(getattr(cell.ranks, way))
        hit = 100.0 * (ranks <= HIT)
        if way == "text_to_image" and len(photo_of_caption):
            hit = np.bincount(photo_of_caption, hit) * (max(photo_of_caption) + 1) / len(hit)
        found.append(hit)
    return np.stack(found) if found else None


def hit_interval(cells: Sequence[Cell], way: Way, photo_of_caption: Sequence[int]) -> Interval | None:
    """Return the interval of Hit@10 over photos and seeds; None where a cell has no ranks. Arguments as of `hits`."""
    values = hits(cells, way, photo_of_caption)
    return None if values is None else interval(values)
