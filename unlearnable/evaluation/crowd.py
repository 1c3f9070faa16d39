"""Scores of a few people among many: means over seeds, with intervals, from the ranks of single queries."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import torch

from unlearnable.evaluation.intervals import interval
from unlearnable.evaluation.retrieval import hit, medr
from unlearnable.grouping import grouped
from unlearnable.results import MeanRetrieval

Units = Sequence[Sequence[int]]
"""The ranks of the queries of each unit: of one photo, or of a group that was protected together."""


def mean_retrieval(seeds: Sequence[Units]) -> MeanRetrieval:
    """Return means over seeds of Hit@k and Medr, and the interval of Hit@10 over units and seeds.

    Args:
        seeds: ranks of each seed, all of the same units. What a unit adds is its hits by the mean number of queries, so
            that the mean over units is the mean over queries.
    """
    pooled = [torch.tensor([rank for unit in units for rank in unit]) for units in seeds]
    found = [
        [hit(torch.tensor(unit)) * len(unit) * len(units) / len(ranks) for unit in units]
        for units, ranks in zip(seeds, pooled, strict=True)
    ]
    low, high = interval(found)
    return MeanRetrieval(
        hit1=fmean(hit(ranks, 1) for ranks in pooled),
        hit5=fmean(hit(ranks, 5) for ranks in pooled),
        hit10=fmean(map(hit, pooled)),
        medr=fmean(map(medr, pooled)),
        low=round(low, 6),
        high=round(high, 6),
    )


def by_photo(ranks: Sequence[int], photo_of: Sequence[int] = ()) -> Units:
    """Return the ranks of queries by their photo, since captions of one photo are found or missed together.

    Args:
        ranks: of the queries.
        photo_of: photo of each query; empty where query n is that of photo n.
    """
    return list(grouped(zip(photo_of or range(len(ranks)), ranks, strict=True)).values())


def share(recognised: Sequence[Sequence[bool] | None]) -> float | None:
    """Return the share of people recognised, mean over seeds; None if nobody was asked for."""
    known = [fmean(people) for people in recognised if people]
    return fmean(known) if known else None
