"""Captions that stand once more in the JSON they are from, under other names, and are published there as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from html import unescape
from typing import Any

from unlearnable.datasets.text.further import UNSPACED, is_sentence
from unlearnable.datasets.text.json_spans import json_in
from unlearnable.datasets.text.mojibake import undone
from unlearnable.grouping import grouped
from unlearnable.wording.counts import first_and_more, named

_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
_NAMED = 5  # fields in a remark; the others are counted


def repeating(text: str, captions: Iterable[str]) -> set[str]:
    """Return the names under which a JSON text holds one of several captions of three words or more.

    Args:
        text: text of a file in which the captions are taken out of their own places; where it holds no JSON, nothing
            is found.
        captions: captions as they are read.
    """
    whole = {caption.strip() for caption in captions if is_sentence("", caption)}
    begun = grouped((next(_threes(caption)), caption) for caption in whole)

    def repeats(value: str) -> bool:
        meant = {value, undone(value), unescape(value)}
        return any(caption in one for one in meant for three in _threes(one) for caption in begun.get(three, ()))

    return {name for name, value in _strings(text) if repeats(value)} if begun else set()


def _threes(text: str) -> Iterator[tuple[str, ...]]:
    """Yield each three words in a row; letters of a script that sets no blanks between words count as such."""
    words = _WORD.findall(text)
    return zip(words, words[1:], words[2:], strict=False)


def _strings(text: str) -> Iterator[tuple[str, str]]:
    """Yield the strings at any depth of the JSON in a text, each with the name that it stands under."""
    try:
        waiting: list[tuple[str, Any]] = [("", json_in(text).value)]
    except ValueError:
        return
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += ((name, one) for one in value)


def said_of_repeats(found: Mapping[str, Set[str]]) -> tuple[str, ...]:
    """Return a remark on the files whose fields, by their names, repeat captions; none where none does."""
    files = [file for file, fields in found.items() if fields]
    if not files:
        return ()
    repeat = f"{first_and_more(files, 'file')} {'repeats' if len(files) == 1 else 'repeat'}"
    fields = named(sorted(set().union(*found.values())), _NAMED)
    return (f"{repeat} captions in {fields}, which are published as they are, with the clean words: take them out",)
