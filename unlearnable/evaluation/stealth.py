"""Measure how easily triggers are noticed: their variety, their likelihood, and how well captions are told apart.

A judge returns the negative log-likelihood of a text's tokens; it should be a model that took no part
in making the triggers (`models/judge.py`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence

from unlearnable.results import TriggerFigures

Judge = Callable[[Sequence[str]], list[list[float]]]
"""A function from texts to the negative log-likelihoods of each text's tokens, in nats."""


def variety(triggers: Sequence[str]) -> TriggerFigures:
    """Return how much the triggers of a run, one per photo, differ from each other.

    distinct-1 is defined as in Li et al. 2016 (arXiv 1510.03055): different words over all words.
    """
    words = [word for trigger in triggers for word in trigger.split()]
    (most, times), *_ = Counter(triggers).most_common(1)
    return TriggerFigures(
        distinct=len(set(triggers)),
        distinct_1=round(len(set(words)) / len(words), 4),
        most_frequent=most,
        most_frequent_share=round(times / len(triggers), 4),
    )


def nats_per_token(judge: Judge, captions: Sequence[str]) -> list[float]:
    """Return the mean negative log-likelihood of each caption's tokens, the log of its perplexity; 0 if it is empty."""
    return [sum(tokens) / max(len(tokens), 1) for tokens in judge(captions)]


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Return the area under the ROC curve for positives that score higher; ties count half (Mann-Whitney).

    0.5 is chance, 1 is perfect.

    Raises:
        ValueError: there are no positives or no negatives.
    """
    if not positives or not negatives:
        raise ValueError("an AUROC needs scores of both kinds")
    order = sorted(negatives)
    won = sum(bisect_left(order, value) + bisect_right(order, value) for value in positives)
    return won / (2 * len(positives) * len(negatives))
