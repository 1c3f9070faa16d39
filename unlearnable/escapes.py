"""Escape what foreign texts, such as file names and captions, may hold: half surrogate pairs and control characters."""

from __future__ import annotations

import json
import unicodedata

_JOINERS = "\u200c\u200d"  # of letters in Persian and of emojis: they format, but change no other text
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})  # categories of Unicode


def storable(text: str) -> str:
    r"""Return a text that UTF-8 can hold: the half of a surrogate pair, or a byte of a file name, becomes `\ud83d`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def printable(text: str) -> str:
    r"""Return a text that stays in its line and shows as it is: line feeds, ESC, marks of direction become `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(letter) if _is_unseen(letter) else letter for letter in text)


def printable_json(text: str) -> str:
    """Return the same JSON, in which no letter is left that `printable` would escape."""
    return "".join(json.dumps(letter)[1:-1] if _is_unseen(letter) else letter for letter in text)


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
