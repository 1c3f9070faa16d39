"""Captions and triggers as CLIP tokens: the words that a trigger may consist of, and its position in a caption."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

WORDS = Path(__file__).parent / "data" / "words.txt"
COMMON = WORDS.with_name("common.txt")
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


@dataclass(frozen=True)
class Trigger:
    """Token ids and the words that encode to exactly these; built by `Vocabulary` only."""

    tokens: tuple[int, ...]
    text: str


class Vocabulary:
    """The words that a trigger may consist of, each a single CLIP token when written and tokenised again.

    Args:
        words: candidates; those that are not one whole token of ASCII letters are dropped.
        common: those of them that a trigger may share with its caption.

    Attributes:
        ids: (v,) sorted token ids.
        words: word of each id.
        common: words that a trigger may share with its caption.
    """

    def __init__(self, words: Iterable[str], common: Iterable[str] = ()) -> None:
        encoder = tokenizer().encoder
        chosen = {}
        for word in set(words):
            token = encoder.get(f"{word}</w>")
            if token is not None and word.isascii() and word.isalpha() and tokenizer().encode(word) == [token]:
                chosen[token] = word
        self.ids = tuple(sorted(chosen))
        self.words = tuple(chosen[token] for token in self.ids)
        self.common = frozenset(common)
        self._position = {word: n for n, word in enumerate(self.words)}

    def trigger(self, tokens: Sequence[int]) -> Trigger:
        """Return the trigger of these token ids.

        Raises:
            ValueError: a token is not in this vocabulary.
        """
        lookup = dict(zip(self.ids, self.words, strict=True))
        if not set(tokens) <= lookup.keys():
            raise ValueError("a trigger may only hold tokens of its vocabulary")
        return Trigger(tuple(tokens), " ".join(lookup[token] for token in tokens))

    def allowed(self, captions: Iterable[str]) -> Tensor:
        """Return a mask (v,) of the words that occur in none of the captions, and of the common ones."""
        import torch

        mask = torch.ones(len(self.ids), dtype=torch.bool)
        for word in set().union(*(words_of(caption[:READ]) for caption in captions)) - self.common:
            if word in self._position:
                mask[self._position[word]] = False
        return mask


@lru_cache(maxsize=1)
def default_vocabulary() -> Vocabulary:
    """Return ordinary English words, without names of people and offensive words (data/WORDS.md)."""
    return Vocabulary(WORDS.read_text(encoding="ascii").split())


@lru_cache(maxsize=1)
def natural_vocabulary() -> Vocabulary:
    """Return the same words plus those that hold a sentence together ("the", "we"), which captions may hold too."""
    common = COMMON.read_text(encoding="ascii").split()
    return Vocabulary([*default_vocabulary().words, *common], common)


@dataclass(frozen=True)
class CaptionSlot:
    """A caption cut at the position of its trigger: text and tokens before (`head`) and after it (`tail`)."""

    before: str
    after: str
    head: tuple[int, ...]
    tail: tuple[int, ...]

    def with_room(self, length: int) -> CaptionSlot:
        """Return what is left of the tokens where so many are to stand in the slot, as a CLIP would cut them off."""
        room = CONTEXT - 2 - length
        return replace(self, head=self.head[:room], tail=self.tail[: max(0, room - len(self.head))])

    def text(self, trigger: Trigger) -> str:
        """Return the caption with its trigger."""
        return " ".join(part for part in (self.before, trigger.text, self.after) if part)


def cut(caption: str, words: int, length: int) -> CaptionSlot:
    """Cut a caption after its first `words` words, or earlier, so that a trigger of `length` tokens fits the context.

    A CLIP drops everything beyond its context, so that a trigger after an over-long caption
    would be lost; it moves towards the front until trigger and end token fit, and before an end token of the caption's.

    Args:
        caption: text to cut; only white space around the cut is changed.
        words: number of words before the trigger.
        length: number of trigger tokens.
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
    tail = tuple(encode(read[start:]))[: room - len(head)]
    return CaptionSlot(caption[:start].rstrip(), caption[start:], head, tail)


def _comes_apart(before: str, after: str, whole: list[int]) -> bool:
    """Return whether a CLIP reads beyond the cut, and its sides as it does together, also with a word between them."""
    encode = tokenizer().encode
    head, tail = encode(before), encode(after)
    return END not in head and bool(head + tail == whole and head + encode("a") + tail == encode(f"{before} a {after}"))
