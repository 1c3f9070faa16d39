"""Attacks on captions: words taken away, moved, or written in other letters."""

from __future__ import annotations

import random
from functools import cache

from unlearnable.posts.names import plain
from unlearnable.verify.attacks.base import family, on_captions

NATS = 9  # drops 95 of 100 trigger words of `protect`, and 12 of 100 other ones


@family(on_captions, range(1, 78), default=3, adaptive=True)  # it knows where this tool writes its words, and how many
def strip_trigger(text: str, words: int) -> str:
    """Captions without their first words: three, or that many; a caption as short as that keeps its last word."""
    return (text.split(maxsplit=words) or [text])[-1]  # what is left, or the last word; `text` where there is none


@family(on_captions, adaptive=True)  # it knows the letters
def plain_letters(text: str, _: int) -> str:
    """Captions whose letters that look like Latin ones are Latin again, against `--names lookalike`."""
    return plain(text)


@family(on_captions)
def shuffle_words(text: str, _: int) -> str:
    """Captions with their words in another order, the same one for the same caption."""
    words = text.split()
    random.Random(text).shuffle(words)
    return " ".join(words)


@family(on_captions, range(1, 31), default=NATS)
def drop_odd_words(text: str, nats: int) -> str:
    """Captions without words that surprise a language model by more than 9 nats, or that many (after ONION)."""
    return _without_odd_words(text, nats)


@cache
def _without_odd_words(text: str, nats: int) -> str:
    """Return `text` without its words of more than `nats` of surprise; the least surprising one stays at least.

    Qi et al., "ONION: A Simple and Effective Defense Against Textual Backdoor Attacks", EMNLP 2021 (arXiv:2011.10369),
    drop the words without which a text's perplexity falls most. A masked model tells a word's own likelihood instead:
    for three random words before 100 captions of Flickr8k and of faces, the area under the ROC curve is 0.94 and 0.89,
    that of the perplexity's fall 0.74 and 0.85. Words with a capital stay: the attacker wants names, and no language
    model expects them.
    """
    from unlearnable.models.tokens import surprises

    words = text.split()
    surprise = surprises(words)
    odd = {n for n, word in enumerate(words) if surprise[n] > nats and not word[0].isupper()}
    if odd and len(odd) == len(words):
        odd.remove(surprise.index(min(surprise)))
    return " ".join(word for n, word in enumerate(words) if n not in odd) if odd else text
