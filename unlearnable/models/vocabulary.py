"""The words that triggers are made of: a table of concepts in seven languages, or one's own list (data/WORDS.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnable.models.tokens import END, READ, CaptionSlot, Trigger, tokenizer, words_of

if TYPE_CHECKING:
    from torch import Tensor

WORDS = Path(__file__).parent / "data" / "words.tsv"
ENGLISH = "en"
LONGEST = 4  # tokens of a word of the table, in any of its languages
STEM = 4  # letters that a word of a caption has to share from its first one on: "lanterns", "gardening"


class Vocabulary:
    """Concepts that a trigger may consist of, each with a number, and with a word in every language.

    Args:
        columns: language -> the word of each concept; the first language is that of captions in all others.
        longest: most tokens of a word; None to count them.

    Attributes:
        languages: the languages.
        glosses: the word of each concept in the first language.
        longest: most tokens of a word.
    """

    def __init__(self, columns: Mapping[str, Sequence[str]], longest: int | None = None) -> None:
        self.languages = tuple(columns)
        self.glosses = tuple(columns[self.languages[0]])
        self._columns = {language: tuple(words) for language, words in columns.items()}
        self._tokens: dict[str, tuple[tuple[int, ...], ...]] = {}
        self.longest = longest or max(len(word) for language in columns for word in self.tokens(language))

    def __len__(self) -> int:
        return len(self.glosses)

    def words(self, language: str) -> tuple[str, ...]:
        """Return the word of each concept in a language; in the first one where the table lacks it."""
        return self._columns[self._known(language)]

    def tokens(self, language: str) -> tuple[tuple[int, ...], ...]:
        """Return the tokens of each concept's word in a language."""
        language = self._known(language)
        if language not in self._tokens:
            self._tokens[language] = tuple(tuple(tokenizer().encode(word)) for word in self._columns[language])
        return self._tokens[language]

    def trigger(self, numbers: Sequence[int], language: str = "") -> Trigger:
        """Return the trigger of these concepts in a language."""
        words, tokens = self.words(language), self.tokens(language)
        return Trigger(tuple(token for n in numbers for token in tokens[n]), " ".join(words[n] for n in numbers))

    def spell(self, slots: Sequence[CaptionSlot], numbers: Tensor) -> list[tuple[int, ...]]:
        """Return the tokens of triggers (b, k), each in the language of its caption."""
        rows = zip(slots, numbers.tolist(), strict=True)
        return [self.trigger(row, slot.language).tokens for slot, row in rows]

    def shares(self, slots: Sequence[CaptionSlot], numbers: Tensor, places: Tensor, length: int) -> Tensor:
        """Return (b, k, length) which tokens of a caption each word of its trigger is: shares that sum to 1.

        Args:
            slots: b captions.
            numbers: (b, k) triggers.
            places: (b,) position of each trigger's first token.
            length: tokens of the longest caption.
        """
        import torch

        found = torch.zeros(*numbers.shape, length)
        for row, (slot, words, at) in enumerate(zip(slots, numbers.tolist(), places.tolist(), strict=True)):
            tokens = self.tokens(slot.language)
            for place, word in enumerate(words):
                found[row, place, at : at + len(tokens[word])] = 1 / len(tokens[word])
                at += len(tokens[word])
        return found

    def table(self, language: str, embeddings: Tensor) -> Tensor:
        """Return (v, w) the mean of a model's token embeddings (t, w) over each word in a language."""
        import torch

        return torch.stack([embeddings[list(tokens)].mean(dim=0) for tokens in self.tokens(language)])

    def allowed(self, captions: Iterable[str]) -> Tensor:
        """Return (v,) bool: the concepts without a word in the captions, in any language."""
        import torch

        mask = torch.ones(len(self), dtype=torch.bool)
        whole, stems = self._in_captions
        for word in set().union(*(words_of(caption[:READ]) for caption in captions)):
            mask[[*whole.get(word, ()), *stems.get(word, ())]] = False
            for end in range(STEM, len(word)):
                mask[list(whole.get(word[:end], ()))] = False
        return mask

    @cached_property
    def _in_captions(self) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """The concepts by each of their words in small letters, and by each beginning of it."""
        whole: dict[str, list[int]] = {}
        stems: dict[str, list[int]] = {}
        for words in self._columns.values():
            for number, text in enumerate(words):
                for word in words_of(text):
                    whole.setdefault(word, []).append(number)
                    for end in range(STEM, len(word)):
                        stems.setdefault(word[:end], []).append(number)
        return whole, stems

    def _known(self, language: str) -> str:
        return language if language in self._columns else self.languages[0]


@lru_cache(maxsize=1)
def default_vocabulary() -> Vocabulary:
    """Return the concepts of the table."""
    head, *rows = (line.split("\t") for line in WORDS.read_text(encoding="utf-8").splitlines())
    return Vocabulary(dict(zip(head, zip(*rows, strict=True), strict=True)), LONGEST)


def fault_of(phrase: str) -> str:
    """Return why a phrase cannot be a word of a trigger; empty if it can."""
    encode = tokenizer().encode
    one, tokens = encode("a"), encode(phrase)
    if not tokens or max(tokens) >= END - 1 or encode(f"a {phrase} a") != [*one, *tokens, *one]:
        return "a model would not read it as it stands"
    return ""


def distinct(phrases: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Return numbered phrases without those that a model reads as an earlier one."""
    seen = set[tuple[int, ...]]()
    for number, phrase in phrases:
        tokens = tuple(tokenizer().encode(phrase))
        if tokens not in seen:
            seen.add(tokens)
            yield number, phrase
