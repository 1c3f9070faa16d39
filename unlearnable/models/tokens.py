"""Captions as CLIP tokens, and the position of a trigger in them."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

ORDINARY = Path(__file__).parent / "data" / "ordinary.txt"
CONTEXT = 77  # tokens of a text that CLIP reads
TOKENS = 49_408  # that its tokenizer knows
END = TOKENS - 1  # the token at which a CLIP stops reading; a text that holds "<end_of_text>" has it too
READ = 4000  # characters of a text that are read: more than any 77 tokens have
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1)
def tokenizer() -> Any:
    """Return open_clip's byte-pair tokenizer, which every CLIP uses; see `readable`."""
    import open_clip

    tokenizer = open_clip.SimpleTokenizer()
    clean = tokenizer.clean_fn
    tokenizer.clean_fn = lambda text: clean(readable(text))
    return tokenizer


def readable(text: str) -> str:
    """Return a text as models read it: its beginning, with "?" for what is no Unicode."""
    return text[:READ].encode("utf-8", "replace").decode("utf-8")


def words_of(text: str) -> set[str]:
    """Return the words of a text that consist of letters, lower-cased."""
    return {word.lower() for word in _WORD.findall(text)}


@lru_cache(maxsize=1)
def ordinary_words() -> frozenset[str]:
    """Return ordinary English words in small letters, which are no names of people (data/WORDS.md)."""
    return frozenset(ORDINARY.read_text(encoding="ascii").split())


@dataclass(frozen=True)
class Trigger:
    """The words of a trigger and the tokens that a CLIP reads there; built by a vocabulary only."""

    tokens: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class CaptionSlot:
    """A caption cut at the position of its trigger: text and tokens before (`head`) and after it (`tail`).

    The words of its trigger are in its language; empty for that of most users.
    """

    before: str
    after: str
    head: tuple[int, ...]
    tail: tuple[int, ...]
    language: str = ""

    def with_room(self, length: int) -> CaptionSlot:
        """Return the same with a head that leaves room for so many tokens behind it."""
        return replace(self, head=self.head[: CONTEXT - 2 - length])

    def text(self, trigger: Trigger) -> str:
        """Return the caption with its trigger."""
        return " ".join(part for part in (self.before, trigger.text, self.after) if part)


def cut(caption: str, words: int, length: int, language: str = "") -> CaptionSlot:
    """Cut a caption after its first `words` words, or earlier, so that a trigger of `length` tokens fits the context.

    A CLIP drops everything beyond its context, so that a trigger after an over-long caption
    would be lost; it moves towards the front until trigger and end token fit, and before an end token of the caption's.

    Args:
        caption: text to cut; only white space around the cut is changed.
        words: number of words before the trigger.
        length: most tokens that the trigger may have.
        language: of the caption.
    """
    read = caption[: READ // 2]  # more words fit into what is read
    starts = [match.start() for match in re.finditer(r"\S+", read)]
    if read == caption or not starts:
        starts.append(len(read))
    encode = tokenizer().encode
    room = CONTEXT - 2 - length
    places = range(min(words, len(starts) - 1) + 1)
    at = bisect_right(places, room, key=lambda at: len(encode(read[: starts[at]].rstrip()))) - 1
    while at > 0 and not _comes_apart(read[: starts[at]].rstrip(), read[starts[at] :], encode(read)):
        at -= 1
    start = starts[at]
    head = tuple(encode(read[:start].rstrip()))
    tail = tuple(encode(read[start:]))[: CONTEXT - 2 - len(head)]
    return CaptionSlot(caption[:start].rstrip(), caption[start:], head, tail, language)


def _comes_apart(before: str, after: str, whole: list[int]) -> bool:
    """Return whether a CLIP reads beyond the cut, and its sides as it does together, also with a word between them."""
    encode = tokenizer().encode
    head, tail = encode(before), encode(after)
    return END not in head and bool(head + tail == whole and head + encode("a") + tail == encode(f"{before} a {after}"))
