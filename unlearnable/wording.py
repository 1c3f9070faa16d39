"""Counted nouns, characters that a terminal cannot show, and lists grouped by a key."""

import json
import os
import re
import shlex
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

_PLAIN = re.compile(r"[\w@%+=:,./\\~-]+")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which gets an s but for one: "1 photo", "2 photos", "2 people"."""
    several = "people" if noun == "person" else f"{noun}s"
    return f"{number} {noun if number == 1 else several}"


def named(names: Sequence[str], most: int) -> str:
    """Return the first of some names, and how many more there are: "a.png, b.png and 3 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def pasted(value: object) -> str:
    """Return a path or a name as an argument of a command: in quotes, on Windows double ones, if it needs them."""
    text = str(value)
    if os.name == "nt":
        return text if _PLAIN.fullmatch(text) else f'"{text}"'
    return shlex.quote(text)


_JOINERS = "\u200c\u200d"  # of letters in Persian and of emojis: they change no other text
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})  # categories of Unicode
_ESCAPED_BYTE = re.compile(r"\\u(dc[89a-f][0-9a-f])")
_BREAKS = re.compile("[\x85\u2028\u2029]")  # line breaks that JSON allows in strings
_UNCOMMON = re.compile(r"[^ -~]")


def storable(text: str) -> str:
    r"""Return a text that UTF-8 can hold: the half of a surrogate pair, or a byte of a file name, becomes `\ud83d`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def storable_within(value: Any) -> Any:
    """Return the same for every text in a value of JSON, also in lists and mappings."""
    if isinstance(value, list):
        return list(map(storable_within, value))
    if isinstance(value, dict):
        return {storable_within(name): storable_within(one) for name, one in value.items()}
    return storable(value) if isinstance(value, str) else value


def of_system(path: str) -> str:
    r"""Return a path as it was before `storable` escaped bytes of it; the path itself unless only that exists."""
    found = _ESCAPED_BYTE.sub(lambda match: chr(int(match[1], 16)), path)
    return found if found != path and os.path.lexists(found) and not os.path.lexists(path) else path


def printable(text: str) -> str:
    r"""Return a text that stays in its line and shows as it is: line feeds, ESC, marks of direction become `\x1b`."""
    return _UNCOMMON.sub(_escaped, text)


def ascii_json(text: str) -> str:
    """Return the same JSON, which has no line breaks, in ASCII."""
    return _UNCOMMON.sub(lambda match: json.dumps(match[0])[1:-1].replace("\x7f", "\\u007f"), text)


def json_line(text: str) -> str:
    """Return the same JSON as a line of a file, also for whoever ends lines at each line break of Unicode."""
    return _BREAKS.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def json_row(row: Mapping[str, str]) -> str:
    """Return a row as a line of a JSON lines file, as people read it."""
    return json_line(json.dumps(row, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    letter = match[0]
    if unicodedata.category(letter) not in _UNSEEN or letter in _JOINERS:
        return letter
    return letter.encode("unicode_escape").decode("ascii")


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def grouped(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    """Return the values of each key."""
    groups: dict[Key, list[Value]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
