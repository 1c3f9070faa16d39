"""How counts are worded in messages and on pages, and how what is to be pasted into a terminal is quoted."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

_PLAIN = re.compile(r"[\w@%+=:,./\\~-]+")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which gets an s but for one: "1 photo", "2 photos", "2 people"."""
    several = "people" if noun == "person" else f"{noun}s"
    return f"{number} {noun if number == 1 else several}"


def named(names: Sequence[str], most: int) -> str:
    """Return the first of some names, and how many more there are: "a.png, b.png and 3 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def first_and_more(names: Sequence[str], noun: str) -> str:
    """Return the first of some names, and how many more there are, with their noun: "a.txt and 3 more files"."""
    return names[0] + (f" and {counted(len(names) - 1, f'more {noun}')}" if len(names) > 1 else "")


def it_and_others(number: int, one: str, several: str) -> str:
    """Return what is said of a photo, or of it and others: "it is lost", "this and 3 more photos are lost"."""
    return f"it {one}" if number == 1 else f"this and {counted(number - 1, 'more photo')} {several}"


def pasted(value: object) -> str:
    """Return a path or a name as an argument of a command: in quotes, on Windows double ones, if it needs them."""
    text = str(value)
    if os.name == "nt":
        return text if _PLAIN.fullmatch(text) else f'"{text}"'
    return shlex.quote(text)
