"""Captions with their words in another order, the same one for the same caption."""

from __future__ import annotations

import random

from unlearnable.attacks.base import Family, captions


def _shuffle_words(text: str, _: int) -> str:
    words = text.split()
    random.Random(text).shuffle(words)
    return " ".join(words)


SHUFFLE_WORDS = Family(captions(_shuffle_words), default=0)
