"""The attack that drops odd words: those that the bundled masked language model does not expect where they stand.

After Qi et al., "ONION: A Simple and Effective Defense Against Textual Backdoor Attacks", EMNLP 2021
(arXiv:2011.10369), who drop the words without which a text's perplexity falls most. A masked model can ask a word's
own likelihood instead, which tells words of a trigger apart better: on 100 captions of Flickr8k and 100 of faces with
three random words before them, the area under the ROC curve is 0.94 and 0.89, that of the perplexity's fall 0.74 and
0.85. Words with a capital stay: the attacker wants names, and no language model expects them.
"""

from __future__ import annotations

from functools import cache

from unlearnable.verify.attacks.base import AttackFamily, on_captions

NATS = 9  # drops 95 of 100 trigger words of `protect`, and 12 of 100 other ones


@cache
def drop_odd_words(text: str, nats: int) -> str:
    """Return `text` without its words of more than `nats` of surprise; the least surprising one stays at least."""
    from unlearnable.models.tokens import surprises

    words = text.split()
    surprise = surprises(words)
    odd = {n for n, word in enumerate(words) if surprise[n] > nats and not word[0].isupper()}
    if odd and len(odd) == len(words):
        odd.remove(surprise.index(min(surprise)))
    return " ".join(word for n, word in enumerate(words) if n not in odd) if odd else text


DROP_ODD_WORDS = AttackFamily(on_captions(drop_odd_words), numbers=range(1, 31), default=NATS)
