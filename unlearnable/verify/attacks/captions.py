"""Attacks on captions: taking words away, and moving them."""

from __future__ import annotations

import random

from unlearnable.posts.names import plain
from unlearnable.verify.attacks.base import AttackFamily, on_captions


def strip_trigger(text: str, words: int) -> str:
    """Return `text` without its first `words`; the last word stays."""
    return (text.split(maxsplit=words) or [text])[-1]  # what is left, or the last word; `text` where there is none


def shuffle_words(text: str, _: int) -> str:
    """Return the words of `text` in an order that depends on `text` alone."""
    words = text.split()
    random.Random(text).shuffle(words)
    return " ".join(words)


def plain_letters(text: str, _: int) -> str:
    """Return `text` in the letters that names had before `--names lookalike`."""
    return plain(text)


# adaptive: it knows where this tool writes its words by default, and how many
STRIP_TRIGGER = AttackFamily(on_captions(strip_trigger), numbers=range(1, 78), default=3, adaptive=True)
PLAIN_LETTERS = AttackFamily(on_captions(plain_letters), adaptive=True)  # it knows the letters
SHUFFLE_WORDS = AttackFamily(on_captions(shuffle_words))
