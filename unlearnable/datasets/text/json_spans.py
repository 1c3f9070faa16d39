"""The places of the values in a JSON text, found with json's own scanner, and how a new string is spelt among them.

Only text that has been decoded once may be walked, so the walkers do not check it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from unlearnable.datasets.text.spans import Span, Spell, TextSpan, is_blank

_DECODE = json.JSONDecoder().raw_decode
_FIRST = re.compile(r"[\[{]")
_LONE = re.compile("[\ud800-\udfff]")
_WORDS = ("raw", "text", "caption")  # names of what an object says
_MODEL = "gpt"  # as LLaVA calls it, which learns its part of a conversation
_LANGUAGE = re.compile("[A-Za-z]{2,3}([-_][A-Za-z]{2,4})*")  # "de", "pt-BR"
_SPACE = re.compile(r"[ \t\n\r]*")


class Node(NamedTuple):
    """A JSON value and its place `[start, end)` in the text."""

    start: int
    end: int
    value: Any

    @property
    def span(self) -> Span:
        """Its place."""
        return Span(self.start, self.end)


def decode(text: str, start: int = 0, end: int | None = None) -> Node:
    """Return the one JSON value that `text[start:end]` holds.

    Raises:
        ValueError: there is no value, a broken one, or more than one.
    """
    end = len(text) if end is None else end
    start = _after_space(text, start)
    try:
        value, stop = _DECODE(text, start)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if _after_space(text, stop) < end or stop > end:
        raise ValueError("not exactly one JSON value")
    return Node(start, stop, value)


def json_in(text: str) -> Node:
    """Return the one JSON value that a text ends with, as a script does that sets a variable.

    Raises:
        ValueError: there is none, or a broken one.
    """
    first = _FIRST.search(text)
    return decode(text, first.start() if first else 0)


def members(text: str, start: int) -> Iterator[tuple[str, Node]]:
    """Yield the names and values of the object that begins at `start`."""
    at = _after_space(text, start + 1)
    while text[at] != "}":
        name, at = _DECODE(text, at)
        colon = _after_space(text, at)
        at = _after_space(text, colon + 1)
        value, end = _DECODE(text, at)
        yield name, Node(at, end, value)
        at = _after_comma(text, end)


def parts_of(text: str, start: int) -> Iterator[tuple[Span, str, Node]]:
    """Yield the members of the object that begins at `start`: the place of each with its name, the name, the value."""
    at = start + 1
    for name, node in members(text, start):
        yield Span(_after_space(text, at), node.end), name, node
        at = _after_comma(text, node.end)


def items(text: str, start: int) -> Iterator[Node]:
    """Yield the values of the array that begins at `start`."""
    at = _after_space(text, start + 1)
    while text[at] != "]":
        value, end = _DECODE(text, at)
        yield Node(at, end, value)
        at = _after_comma(text, end)


def strings(text: str, node: Node) -> list[TextSpan]:
    """Return the strings of a value: the value itself, those of an array, or the `raw` ones of objects in an array."""
    if isinstance(node.value, list):
        found = (_raw(text, item) for item in items(text, node.start))
        return [TextSpan(*item) for item in found if isinstance(item.value, str)]
    return [TextSpan(*node)] if isinstance(node.value, str) else []


def caption_strings(text: str, node: Node) -> list[TextSpan]:
    """Return the strings of a value of captions: itself, or those of an array or object, at any depth.

    Of an object that is what it holds under `raw`, `text` or `caption`, in a conversation the `value` that the model
    is to say, or everything where its names are languages.
    """
    if isinstance(node.value, list):
        return [found for item in items(text, node.start) for found in caption_strings(text, item)]
    if not isinstance(node.value, dict):
        return strings(text, node)
    fields = dict(members(text, node.start))
    names = ("value",) if node.value.get("from") == _MODEL else _WORDS
    own = [fields[name] for name in names if isinstance(node.value.get(name), str)]
    parts = own[:1] or (fields.values() if all(map(_LANGUAGE.fullmatch, fields)) else ())
    return [found for part in parts for found in caption_strings(text, part)]


def _raw(text: str, node: Node) -> Node:
    """Return what an object, as Karpathy's sentences are, holds under `raw`; the value itself where there is none."""
    return dict(members(text, node.start)).get("raw", node) if isinstance(node.value, dict) else node


def rows_in(text: str, node: Node, name: str) -> list[Node]:
    """Return the values of the array that an object holds under a name; none if there is no such array."""
    if not isinstance(node.value, dict) or not isinstance(node.value.get(name), list):
        return []
    return list(items(text, dict(members(text, node.start))[name].start))


def object_in(text: str, node: Node, name: str) -> Node | None:
    """Return the object that an object holds under a name; None if `node` is no object, or there is none."""
    found = node.value.get(name) if isinstance(node.value, dict) else None
    return dict(members(text, node.start))[name] if isinstance(found, dict) else None


def spans_of(nodes: Iterable[Node]) -> tuple[Span, ...]:
    """Return the places of values."""
    return tuple(node.span for node in nodes)


def text_in(text: str, node: Node, name: str) -> TextSpan | None:
    """Return the string that an object holds under a name; None if `node` is no object, or it is blank or absent."""
    value = node.value.get(name) if isinstance(node.value, dict) else None
    if not isinstance(value, str) or is_blank(value):
        return None
    return TextSpan(*dict(members(text, node.start))[name])


def speller(text: str, *, escaping: bool = False) -> Spell:
    """Return the `spell` of a `Scan` of `text`: a file that is all ASCII by its escapes, or by `escaping`, stays so."""
    return partial(_spell, text.isascii() and (escaping or "\\u" in text))


def _spell(escapes: bool, raw: str, value: str, new: str) -> str:
    """Spell a JSON string as the one it replaces: `\\u` escapes, also of `<` or U+2028, and PHP's `\\/`."""
    escaped = raw.isascii() and (escapes or not value.isascii())
    lone = _LONE.search(new) is not None  # half a pair cannot be encoded otherwise
    spelt = json.dumps(new, ensure_ascii=escaped or lone)
    raw = raw.replace("\\\\", "")  # a backslash of the caption's begins no escape
    for letter in "<>&'=\x85\u2028\u2029":  # Rails and Google escape what means something in HTML, others line breaks
        if (escape := f"\\u{ord(letter):04x}") in raw.lower():
            spelt = spelt.replace(letter, escape)
    return spelt.replace("/", "\\/") if "\\/" in raw else spelt


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _after_comma(text: str, at: int) -> int:
    at = _after_space(text, at)
    return _after_space(text, at + 1) if text[at] == "," else at
