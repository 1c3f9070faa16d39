"""Detectors of odd words in captions, for the scripts beside this file: likelihood, ONION, words outside a list."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from unlearnable.evaluation.stealth import Judge, nats_per_token


def nats(judge: Judge, captions: Sequence[str]) -> list[float]:
    """Return the negative log-likelihood of each whole caption, in nats."""
    return [math.fsum(tokens) for tokens in judge(captions)]


def onion(judge: Judge, caption: str) -> list[float]:
    """Return ONION's suspicion of each word: the fall of the perplexity without it (Qi et al. 2021, Eq. 1).

    Large values are suspicious. A caption of one word cannot be judged and scores 0.
    """
    words = caption.split()
    if len(words) < 2:
        return [0.0] * len(words)
    without = [" ".join(words[:n] + words[n + 1 :]) for n in range(len(words))]
    whole, *others = (math.exp(mean) for mean in nats_per_token(judge, [caption, *without]))
    return [whole - other for other in others]


def share_outside(caption: str, words: Collection[str]) -> float:
    """Return the share of a caption's words, stripped of punctuation, that are not in `words` (lower-case)."""
    caption_words = [word.strip("\"'“”‘’.,;:!?()[]…-").lower() for word in caption.split()]
    caption_words = [word for word in caption_words if any(letter.isalpha() for letter in word)]
    return sum(word not in words for word in caption_words) / max(len(caption_words), 1)
