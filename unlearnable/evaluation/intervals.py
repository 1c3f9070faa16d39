"""Intervals around a mean figure: which other means the same experiment could have given.

People (or queries) and seeds are both drawn again with replacement (a two-way bootstrap, after Owen, "The pigeonhole
bootstrap", 2007), so that neither few people nor few seeds pass for certainty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

DRAWS = 2000
LEVEL = 0.95


class Interval(NamedTuple):
    """The ends of an interval that holds 95 % of the redrawn means."""

    low: float
    high: float


def interval(values: ArrayLike, seed: int = 0) -> Interval:
    """Return the interval of a mean.

    Args:
        values: (s, n) one figure of each seed (s) and each person or query (n); the mean is over all.
        seed: seed of the draws, so that equal figures have equal intervals.

    Raises:
        ValueError: `values` has no two axes, or nothing in it.
    """
    return interval_of_difference(values, np.zeros_like(values), seed)


def interval_of_difference(values: ArrayLike, others: ArrayLike, seed: int = 0) -> Interval:
    """Return the interval of a mean of `values` less that of `others`, both of the same seeds and people (s, n).

    Seeds and people are drawn once for both, as what is hard for one arm is hard for the other too.
    """
    change = np.asarray(values, dtype=np.float64) - np.asarray(others, dtype=np.float64)
    if change.ndim != 2 or not change.size:
        raise ValueError(f"an interval needs figures of seeds and people, not of shape {change.shape}")
    seeds, people = change.shape
    generator = np.random.default_rng(seed)
    rows = generator.multinomial(seeds, np.full(seeds, 1 / seeds), DRAWS) / seeds  # (draws, s) weights
    columns = generator.multinomial(people, np.full(people, 1 / people), DRAWS) / people
    means = np.einsum("ds,sn,dn->d", rows, change, columns, optimize=True)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
