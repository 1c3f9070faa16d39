"""Places in a text, and the surgery that changes them and nothing else."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

from unlearnable.errors import OutputError

_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})  # categories of Unicode
_HOLLOW = frozenset("\u034f\u115f\u1160\u2800\u3164\ufe0e\ufe0f\uffa0")  # of other categories, and as little seen


Spell = Callable[[str, str, str], str]
"""`(raw, value, new)` -> the spelling of `new` in place of `raw`, which means `value`."""


class Span(NamedTuple):
    """The characters `[start, end)` of a text."""

    start: int
    end: int


class TextSpan(NamedTuple):
    """A string in a text: `[start, end)` is its spelling there, quotes included, and `value` is what that means.

    `spell` says how another value is spelt in its place, where that is not as `Scan.spell` does it; `is_cut` whether
    the place has only the beginning of `value`, so that `value` itself is to be spelt there too.
    """

    start: int
    end: int
    value: str
    spell: Spell | None = None
    is_cut: bool = False

    @property
    def place(self) -> Span:
        """Its place."""
        return Span(self.start, self.end)


def splice(text: str, changes: Iterable[TextSpan]) -> str:
    """Return `text` with each change's value put in its place. The places must not overlap."""
    parts: list[str] = []
    at = 0
    for change in sorted(changes, key=lambda change: change.place):
        parts += text[at : change.start], change.value
        at = change.end
    return "".join([*parts, text[at:]])


def is_blank(text: str) -> bool:
    """Return whether nothing of a text is seen: blanks, control characters, zero-width spaces and the like."""
    return all(letter in _HOLLOW or unicodedata.category(letter) in _UNSEEN for letter in text)


def stripped(text: str, start: int, end: int) -> TextSpan:
    """Return the place of `text[start:end]` without the blanks around it."""
    raw = text[start:end]
    start += len(raw) - len(raw.lstrip())
    value = raw.strip()
    return TextSpan(start, start + len(value), value)


def spell_line(raw: str, value: str, new: str) -> str:
    """Spell a string that has no quotes around it and ends with its line.

    Raises:
        OutputError: the string has a line break.
    """
    if "\n" in new:
        raise OutputError(
            f"a file with one caption a line cannot hold {new!r}", hint="take the line break out of the caption"
        )
    return new
