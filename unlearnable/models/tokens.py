"""Captions and triggers as CLIP tokens, the words of triggers, and the masked language model."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnable.errors import ModelError
from unlearnable.models.device import quiet
from unlearnable.storage import files

if TYPE_CHECKING:
    from torch import Tensor


_DATA = Path(__file__).parent / "data"
WORDS = _DATA / "words.tsv"
CONTEXT = 77  # tokens of a text that CLIP reads
TOKENS = 49_408  # that its tokenizer knows
END = TOKENS - 1  # the token at which a CLIP stops reading; a text that holds "<end_of_text>" has it too
READ = 4000  # characters of a text that are read: more than any 77 tokens have
ENGLISH = "en"
LONGEST = 4  # tokens of a word of the table, in any of its languages
_STEM = 4  # letters that a word of a caption has to share from its first one on: "lanterns", "gardening"
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1)
def tokenizer() -> Any:
    """Return open_clip's byte-pair tokenizer, which every CLIP uses; it reads the beginning of a text, in Unicode."""
    import open_clip

    tokenizer = open_clip.SimpleTokenizer()
    clean = tokenizer.clean_fn
    tokenizer.clean_fn = lambda text: clean(text[:READ].encode("utf-8", "replace").decode("utf-8"))
    return tokenizer


def words_of(text: str) -> set[str]:
    """Return the words of a text that consist of letters, lower-cased."""
    return {word.lower() for word in _WORD.findall(text)}


@lru_cache(maxsize=1)
def ordinary_words() -> frozenset[str]:
    """Return ordinary English words in small letters, which are no names of people (data/WORDS.md)."""
    return frozenset((_DATA / "ordinary.txt").read_text(encoding="ascii").split())


@dataclass(frozen=True)
class Trigger:
    """The words of a trigger and the tokens that a CLIP reads there; built by a vocabulary only."""

    tokens: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class CaptionSlot:
    """A caption cut at the position of its trigger: text and tokens before (`head`) and after it (`tail`)."""

    before: str
    after: str
    head: tuple[int, ...]
    tail: tuple[int, ...]
    language: str = ""  # of the words of its trigger; empty for that of most users

    def with_room(self, length: int) -> "CaptionSlot":
        """Return the same with a head that leaves room for so many tokens behind it."""
        return replace(self, head=self.head[: CONTEXT - 2 - length])

    def text(self, trigger: Trigger) -> str:
        """Return the caption with its trigger."""
        return " ".join(part for part in (self.before, trigger.text, self.after) if part)


def cut(caption: str, words: int, length: int, language: str = "") -> CaptionSlot:
    """Cut a caption after its first `words` words, or earlier, so that a trigger of `length` tokens fits the context.

    A CLIP drops everything beyond its context, so that a trigger after an over-long caption would be lost; it moves
    towards the front until trigger and end token fit, and before an end token of the caption's. Only white space
    around the cut is changed.
    """
    read = caption[: READ // 4]  # more words than the context takes
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


class Vocabulary:
    """Concepts that a trigger may consist of, each with a number, and with a word in every language.

    Columns map a language to the word of each concept; captions in a language without one get words of the first, the
    glosses. `longest` is the most tokens of a word; None to count them.
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

    def _known(self, language: str) -> str:
        return language if language in self._columns else self.languages[0]

    def trigger(self, numbers: Sequence[int], language: str = "") -> Trigger:
        """Return the trigger of these concepts in a language."""
        words, tokens = self.words(language), self.tokens(language)
        return Trigger(tuple(token for n in numbers for token in tokens[n]), " ".join(words[n] for n in numbers))

    def spell(self, slots: Sequence[CaptionSlot], numbers: "Tensor") -> list[tuple[int, ...]]:
        """Return the tokens of triggers (b, k), each in the language of its caption."""
        rows = zip(slots, numbers.tolist(), strict=True)
        return [self.trigger(row, slot.language).tokens for slot, row in rows]

    def shares(self, slots: Sequence[CaptionSlot], numbers: "Tensor", places: "Tensor", length: int) -> "Tensor":
        """Return (b, k, length) which tokens of a caption each word of its trigger is: shares that sum to 1.

        Numbers (b, k) are the triggers, places (b,) the position of the first token of each.
        """
        import torch

        shares = torch.zeros(*numbers.shape, length)
        for row, (slot, words, at) in enumerate(zip(slots, numbers.tolist(), places.tolist(), strict=True)):
            tokens = self.tokens(slot.language)
            for place, word in enumerate(words):
                shares[row, place, at : at + len(tokens[word])] = 1 / len(tokens[word])
                at += len(tokens[word])
        return shares

    def table(self, language: str, embeddings: "Tensor") -> "Tensor":
        """Return (v, w) the mean of a model's token embeddings (t, w) over each word in a language."""
        import torch

        return torch.stack([embeddings[list(tokens)].mean(dim=0) for tokens in self.tokens(language)])

    def allowed(self, captions: Iterable[str]) -> "Tensor":
        """Return (v,) bool: the concepts without a word in the captions, in any language."""
        import torch

        mask = torch.ones(len(self), dtype=torch.bool)
        whole, stems = self._in_captions
        for word in set().union(*(words_of(caption[:READ]) for caption in captions)):
            mask[[*whole.get(word, ()), *stems.get(word, ())]] = False
            for end in range(_STEM, len(word)):
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
                    for end in range(_STEM, len(word)):
                        stems.setdefault(word[:end], []).append(number)
        return whole, stems


@lru_cache(maxsize=1)
def default_vocabulary() -> Vocabulary:
    """Return the concepts of the table: words in seven languages (data/WORDS.md)."""
    head, *rows = (line.split("\t") for line in WORDS.read_text(encoding="utf-8").splitlines())
    return Vocabulary(dict(zip(head, zip(*rows, strict=True), strict=True)), LONGEST)


SMALL_MLM = "small-mlm"
MLM = _DATA / SMALL_MLM
MLM_WEIGHTS = MLM / "model.safetensors"
_MLM_LONGEST = 96  # tokens that the model can read


@lru_cache(maxsize=1)
def masked_language_model() -> tuple[Any, Any]:
    """Load the bundled masked language model, in evaluation mode, and its tokenizer."""
    if not mlm_intact():
        raise ModelError(f"{MLM_WEIGHTS} is missing or not the released file", hint="reinstall the package")
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    with quiet():
        reader = AutoTokenizer.from_pretrained(str(MLM), trust_remote_code=False)
        model = AutoModelForMaskedLM.from_pretrained(str(MLM), dtype="float32", trust_remote_code=False)
    return model.eval().requires_grad_(False), reader


def mlm_intact() -> bool:
    """Return whether the weights exist and are the released ones."""
    checksum = MLM / "sha256.txt"
    if not (checksum.is_file() and MLM_WEIGHTS.is_file()):
        return False
    return files.sha256(MLM_WEIGHTS) == checksum.read_text(encoding="ascii").strip()


@lru_cache(maxsize=1)
def mlm_words() -> frozenset[str]:
    """Return the words, in small letters, that the model knows: of captions without names, and of phrases."""
    content = json.loads((MLM / "tokenizer.json").read_text(encoding="utf-8"))
    return frozenset(content["model"]["vocab"])


def surprises(words: Sequence[str]) -> list[float]:
    """Return the negative log-probability of the least likely token of each word given all others, in nats.

    A word's surprise is its part of the pseudo-likelihood of Salazar et al., "Masked Language Model Scoring", ACL 2020
    (arXiv:1910.14659). A word has 0 where the tokenizer sees nothing, or after the tokens that the model can read.
    """
    import torch

    model, reader = masked_language_model()
    read = reader(list(words), is_split_into_words=True, truncation=True, max_length=_MLM_LONGEST, return_tensors="pt")
    (tokens,) = read["input_ids"]
    owners = read.word_ids()
    places = torch.tensor([n for n, owner in enumerate(owners) if owner is not None], dtype=torch.long)
    nats = [0.0] * len(words)
    if not len(places):
        return nats
    rows = torch.arange(len(places))
    masked = tokens.repeat(len(places), 1)
    masked[rows, places] = reader.mask_token_id
    with torch.no_grad():
        logits = model(input_ids=masked).logits[rows, places].float()
    unexpected = -torch.log_softmax(logits, dim=-1)[rows, tokens[places]]
    for place, value in zip(places.tolist(), unexpected.tolist(), strict=True):
        nats[owners[place]] = max(nats[owners[place]], value)
    return nats
