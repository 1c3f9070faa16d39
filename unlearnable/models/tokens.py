"""Captions and triggers as CLIP tokens: which words may be a trigger, and where it stands in a caption."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

WORDS = Path(__file__).parent / "data" / "words.txt"
COMMON = WORDS.with_name("common.txt")
CONTEXT = 77
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1)
def tokenizer() -> Any:
    """open_clip's byte-pair tokenizer, the one of every CLIP."""
    import open_clip

    return open_clip.SimpleTokenizer()


def words_of(text: str) -> set[str]:
    """The letter words of a text, lower-cased."""
    return {word.lower() for word in _WORD.findall(text)}


@dataclass(frozen=True)
class Trigger:
    """Words that stand for exactly these tokens. Made by `Vocabulary` only."""

    tokens: tuple[int, ...]
    text: str


class Vocabulary:
    """The words a trigger may consist of, each one CLIP token that survives text -> tokens.

    Args:
        words: candidates; those that are not one whole token of ASCII letters are dropped.
        common: those of them that a trigger may share with its caption.

    Attributes:
        ids: (v,) sorted token ids.
        words: the word of each id.
        common: the words of which a caption may hold one too.
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
        """The trigger of these token ids.

        Raises:
            ValueError: a token is not of this vocabulary.
        """
        lookup = dict(zip(self.ids, self.words, strict=True))
        if not set(tokens) <= lookup.keys():
            raise ValueError("a trigger holds tokens of its vocabulary only")
        return Trigger(tuple(tokens), " ".join(lookup[token] for token in tokens))

    def allowed(self, captions: Iterable[str]) -> Tensor:
        """(v,) bool: the words that stand in none of the captions, and the common ones."""
        import torch

        mask = torch.ones(len(self.ids), dtype=torch.bool)
        for word in set().union(*map(words_of, captions)) - self.common:
            if word in self._position:
                mask[self._position[word]] = False
        return mask


@lru_cache(maxsize=1)
def default_vocabulary() -> Vocabulary:
    """Ordinary English words without names of people and without offensive words (data/WORDS.md)."""
    return Vocabulary(WORDS.read_text(encoding="ascii").split())


@lru_cache(maxsize=1)
def natural_vocabulary() -> Vocabulary:
    """The same words and those that hold a sentence together ("the", "we", "morning"), which captions share."""
    common = COMMON.read_text(encoding="ascii").split()
    return Vocabulary([*default_vocabulary().words, *common], common)


@dataclass(frozen=True)
class CaptionSlot:
    """A caption cut at the place where its trigger goes: text and tokens on both sides."""

    before: str
    after: str
    head: tuple[int, ...]
    tail: tuple[int, ...]

    def text(self, trigger: Trigger) -> str:
        """The caption with the trigger in it."""
        return " ".join(part for part in (self.before, trigger.text, self.after) if part)


def cut(caption: str, words: int, length: int) -> CaptionSlot:
    """Cut a caption after its first `words` words, or earlier, so that a trigger of `length` tokens fits the context.

    A CLIP drops what is beyond its context, so a trigger behind an over-long caption
    would be lost; it moves forward until trigger and end token are kept.

    Args:
        caption: the text; it is kept as it is, but for white space around the cut.
        words: how many words stand before the trigger.
        length: number of trigger tokens.
    """
    starts = [match.start() for match in re.finditer(r"\S+", caption)] + [len(caption)]
    encode = tokenizer().encode
    room = CONTEXT - 2 - length
    for at in range(min(words, len(starts) - 1), -1, -1):
        before, after = caption[: starts[at]].rstrip(), caption[starts[at] :]
        head = tuple(encode(before))
        if len(head) <= room and (at == 0 or (*head, *encode(after)) == tuple(encode(caption))):
            break
    tail = tuple(encode(after))[: room - len(head)]
    return CaptionSlot(before if at else "", after, head, tail)


def survives(slot: CaptionSlot, trigger: Trigger) -> bool:
    """Whether the written caption, tokenised again, holds the trigger's tokens at its place and the end token."""
    tokens = tokenizer()(slot.text(trigger))[0].tolist()
    start = 1 + len(slot.head)
    return tuple(tokens[start : start + len(trigger.tokens)]) == trigger.tokens and tokenizer().eot_token_id in tokens
