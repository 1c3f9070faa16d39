"""How easily triggers are noticed: how much they differ, how a language model reads them, how well a detector does.

A judge gives the negative log-likelihood of a text's tokens; it should be a model that no
trigger was made with (`models/judge.py`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from unlearnable.results import TriggerFigures

Judge = Callable[[Sequence[str]], list[list[float]]]
"""Takes texts; gives for each the negative log-likelihood of its tokens, in nats."""


def variety(triggers: Sequence[str]) -> TriggerFigures:
    """How much the triggers of a run differ, one a photo.

    distinct-1 is that of Li et al. 2016 (arXiv 1510.03055): different words over all words.
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
    """Mean negative log-likelihood of each caption's tokens; its exponential is the perplexity. 0 for an empty one."""
    return [sum(tokens) / max(len(tokens), 1) for tokens in judge(captions)]


def nats(judge: Judge, captions: Sequence[str]) -> list[float]:
    """Negative log-likelihood of each whole caption."""
    return [math.fsum(tokens) for tokens in judge(captions)]


def onion(judge: Judge, caption: str) -> list[float]:
    """ONION's suspicion of each word: how far the perplexity falls when it is dropped (Qi et al. 2021, Eq. 1).

    Large values are suspicious. A caption of one word cannot be judged and gives 0.
    """
    words = caption.split()
    if len(words) < 2:
        return [0.0] * len(words)
    without = [" ".join(words[:n] + words[n + 1 :]) for n in range(len(words))]
    whole, *others = (math.exp(mean) for mean in nats_per_token(judge, [caption, *without]))
    return [whole - other for other in others]


def share_outside(caption: str, words: Collection[str]) -> float:
    """The share of a caption's words that stand in no list of English words (lower-case), signs stripped."""
    found = [word.strip("\"'“”‘’.,;:!?()[]…-").lower() for word in caption.split()]
    found = [word for word in found if any(letter.isalpha() for letter in word)]
    return sum(word not in words for word in found) / max(len(found), 1)


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Area under the ROC curve of telling positives by a higher score; ties count half (Mann-Whitney).

    0.5 is a guess, 1 is perfect.

    Raises:
        ValueError: one of them is empty.
    """
    if not positives or not negatives:
        raise ValueError("an AUROC needs scores of both kinds")
    order = sorted(negatives)
    won = sum(bisect_left(order, value) + bisect_right(order, value) for value in positives)
    return won / (2 * len(positives) * len(negatives))
