"""How counts are worded in messages and on pages, and how what is to be pasted into a terminal is quoted."""

from __future__ import annotations

import os
import re
import shlex

_PLAIN = re.compile(r"[\w@%+=:,./\\~-]+")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which gets an s but for one: "1 photo", "2 photos"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def pasted(value: object) -> str:
    """Return a path or a name as an argument of a command: in quotes, on Windows double ones, if it needs them."""
    text = str(value)
    if os.name == "nt":
        return text if _PLAIN.fullmatch(text) else f'"{text}"'
    return shlex.quote(text)
