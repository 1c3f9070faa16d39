"""Intervals around a mean figure: which other means the same experiment could have given.

People (or queries) and seeds are both drawn again with replacement (a two-way bootstrap, after Owen, "The pigeonhole
bootstrap", 2007), so that neither few people nor few seeds pass for certainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 2000
LEVEL = 0.95


class Interval(NamedTuple):
    """The ends of an interval that holds 95 % of the redrawn means."""

    low: float
    high: float


class Arms(NamedTuple):
    """What victims learnt in one direction: figures (s, n) of each seed and person after both arms, and their floor."""

    clean: ArrayLike
    protected: ArrayLike
    floor: float


def interval(values: ArrayLike) -> Interval:
    """Return the interval of a mean.

    Args:
        values: (s, n) one figure of each seed (s) and each person or query (n); the mean is over all.

    Raises:
        ValueError: `values` has no two axes, or nothing in it.
    """
    return _middle(_means(values))


def interval_of_effect(ways: Sequence[Arms], least_gap: float) -> Interval | None:
    """Return the interval of an effect, (clean - protected) / (clean - floor), mean over directions.

    Seeds and people are drawn once for everything, as what is hard for one arm is hard for the other too. A direction
    in which the redrawn clean posts teach less than `least_gap` above the floor has no effect in that draw, as it would
    have none in an experiment.

    Args:
        ways: figures of each direction, all of the same seeds and people.
        least_gap: what clean posts have to teach above the floor, more than 0.

    Returns:
        The interval of the draws that have an effect; None where fewer than half have one.
    """
    effects = np.full((len(ways), DRAWS), np.nan)
    for effect, arms in zip(effects, ways, strict=True):
        clean, protected = _means(arms.clean), _means(arms.protected)
        gap = clean - arms.floor
        np.divide(clean - protected, gap, out=effect, where=gap >= least_gap)
    judged = effects[:, ~np.isnan(effects).all(axis=0)]
    return None if 2 * judged.shape[1] < DRAWS else _middle(np.nanmean(judged, axis=0))


def _means(figures: ArrayLike) -> NDArray[np.float64]:
    """Return the mean (DRAWS,) of figures (s, n) in each draw of seeds and people, which their shape decides."""
    values = np.asarray(figures, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"an interval needs figures of seeds and people, not of shape {values.shape}")
    rows, columns = _draws(*values.shape)
    means: NDArray[np.float64] = np.einsum("ds,sn,dn->d", rows, values, columns, optimize=True)
    return means


@lru_cache(maxsize=1)  # all findings of a run have the same seeds and people
def _draws(seeds: int, people: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of seeds (DRAWS, s) and of people (DRAWS, n), which sum to 1 in each draw."""
    generator = np.random.default_rng(0)  # equal figures have equal intervals
    rows = generator.multinomial(seeds, np.full(seeds, 1 / seeds), DRAWS) / seeds
    return rows, generator.multinomial(people, np.full(people, 1 / people), DRAWS) / people


def _middle(draws: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
