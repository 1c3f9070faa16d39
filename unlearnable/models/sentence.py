"""Write a trigger as part of a sentence: capitals where a sentence begins and only there. CLIP ignores case."""

from __future__ import annotations

import re

from unlearnable.models.tokens import CaptionSlot, Trigger, natural_vocabulary

_ENDED = re.compile(r"[.!?…][\"'”’)\]]*$")
_CAPITAL = re.compile(r"[A-Z][a-z]*(?![\w'’])(?!\. \d)(?! [A-Z]\w)")  # before another capital it is part of a name


def as_sentence(slot: CaptionSlot, trigger: Trigger) -> str:
    """Return the caption with its trigger: "There he saw" before "A dog runs" gives "There he saw a dog runs".

    The caption's first word loses its capital only if it is an ordinary word, never if it is a name
    or "I"; the rest of the caption is unchanged.
    """
    words = ["I" if word == "i" else word for word in trigger.text.split()]
    if not slot.before or _ENDED.search(slot.before):
        words[0] = words[0].capitalize()
    after = slot.after if slot.before else _without_capital(slot.after)
    return " ".join(part for part in (slot.before, " ".join(words), after) if part)


def end_of_sentence(caption: str) -> int:
    """Return the number of words before the closing punctuation, if that stands apart from the last word."""
    words = caption.split()
    while words and not any(letter.isalnum() for letter in words[-1]):
        words.pop()
    return len(words)


def _without_capital(text: str) -> str:
    match = _CAPITAL.match(text)
    if match is None or match.group() == "I" or match.group().lower() not in _ordinary():
        return text
    return text[0].lower() + text[1:]


def _ordinary() -> frozenset[str]:
    return frozenset(natural_vocabulary().words)
