"""A trigger written as part of a sentence: a capital where one begins, none where it goes on. CLIP sees no case."""

from __future__ import annotations

import re

from unlearnable.models.tokens import CaptionSlot, Trigger, natural_vocabulary

_ENDED = re.compile(r"[.!?…][\"'”’)\]]*$")
_CAPITAL = re.compile(r"[A-Z][a-z]*(?![\w'’])")


def as_sentence(slot: CaptionSlot, trigger: Trigger) -> str:
    """The caption with the trigger in it: "There he saw" before "A dog runs" gives "There he saw a dog runs".

    The caption's first word loses its capital only where it is an ordinary word, never a name
    or "I"; all else of the caption stays as it is.
    """
    words = ["I" if word == "i" else word for word in trigger.text.split()]
    if not slot.before or _ENDED.search(slot.before):
        words[0] = words[0].capitalize()
    after = slot.after if slot.before else _without_capital(slot.after)
    return " ".join(part for part in (slot.before, " ".join(words), after) if part)


def end_of_sentence(caption: str) -> int:
    """How many words stand before the full stop or whatever signs stand alone at the end."""
    words = caption.split()
    while words and not any(letter.isalnum() for letter in words[-1]):
        words.pop()
    return len(words)


def _without_capital(text: str) -> str:
    found = _CAPITAL.match(text)
    if found is None or found.group() == "I" or found.group().lower() not in _ordinary():
        return text
    return text[0].lower() + text[1:]


def _ordinary() -> frozenset[str]:
    return frozenset(natural_vocabulary().words)
