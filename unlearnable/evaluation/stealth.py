"""Measure how much the triggers of a run differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from unlearnable.results import TriggerFigures


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
