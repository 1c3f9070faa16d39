"""Scores of a few people among many: means over seeds, with intervals, from the ranks of single queries."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import torch

from unlearnable.evaluation.intervals import interval
from unlearnable.evaluation.retrieval import hit, medr
from unlearnable.results import MeanRetrieval

Units = Sequence[Sequence[int]]
"""The ranks of the queries of each unit: of one query, or of a group that was protected together."""


def mean_retrieval(seeds: Sequence[Units]) -> MeanRetrieval:
    """Return means over seeds of Hit@k and Medr, and the interval of Hit@10 over units and seeds.

    Args:
        seeds: ranks of each seed; all seeds have the same units, and all units of a seed equally many queries.
    """
    pooled = [torch.tensor([rank for unit in units for rank in unit]) for units in seeds]
    found = [[hit(torch.tensor(unit)) for unit in units] for units in seeds]
    low, high = interval(found)
    return MeanRetrieval(
        hit1=fmean(hit(ranks, 1) for ranks in pooled),
        hit5=fmean(hit(ranks, 5) for ranks in pooled),
        hit10=fmean(map(hit, pooled)),
        medr=fmean(map(medr, pooled)),
        low=round(low, 6),
        high=round(high, 6),
    )


def share(recognised: Sequence[Sequence[bool] | None]) -> float | None:
    """Return the share of people recognised, mean over seeds; None if nobody was asked for."""
    known = [fmean(people) for people in recognised if people]
    return fmean(known) if known else None
