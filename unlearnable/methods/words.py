"""The words that triggers may hold, those that describe the photos, and captions with their triggers."""

from __future__ import annotations

import hashlib
import random
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from unlearnable.errors import ConfigError
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import encode_photos, encode_texts
from unlearnable.models.tokens import (
    CONTEXT,
    WORDS,
    CaptionSlot,
    Trigger,
    Vocabulary,
    cut,
    default_vocabulary,
    is_readable,
    tokenizer,
)
from unlearnable.settings import Hyperparameters, Precision
from unlearnable.storage.progress import Progress
from unlearnable.training.data import PLAIN_VIEW, Pixels, load_view
from unlearnable.training.distributed import ALONE, World
from unlearnable.wording import counted

COMPARING = "comparing words with photos"
BATCH, CHUNK = 64, 512  # photos, texts
CLOSEST = 0.5  # share of the words that describe a photo to the surrogates: with less, "kittens" stood beside a cat
WITNESSED = 0.25  # the same to the second model, which alone vetoes what surrogates do not know
FOUND = 8  # words closest to a photo, whose near synonyms count too
SYNONYMS = 4  # of each of those: the words closest to it, itself included
FEWEST, A_PLACE = 50, 5  # words of one's own: fewer, or fewer for each place, leave too few different triggers
MOST = 64  # tokens of a trigger, so that the caption has some of the 77, too


@dataclass(frozen=True)
class Resemblance:
    """How close clean photos and words are to each other; features are normalised, one tensor a model."""

    photos: tuple[Tensor, ...]  # (n, d), by the surrogates
    words: tuple[Tensor, ...]  # (v, d) of the vocabulary's words, each alone, in the first language
    witness: tuple[Tensor, Tensor] | None = None  # the same two of a second model, of another family

    def describing(self, photos: Sequence[int]) -> Tensor:
        """Return (v,) bool: the words that describe photos to the surrogates, or to the second model."""
        found = _closest(self.photos, self.words, photos, CLOSEST)
        if self.witness is None:
            return found
        seen, words = self.witness
        return found | _closest([seen], [words], photos, WITNESSED)


def _closest(seen: Sequence[Tensor], words: Sequence[Tensor], photos: Sequence[int], share: float) -> Tensor:
    """Return (v,) bool: a share of the words, those closest to photos on average, synonyms before all others."""
    close = _mean([own @ one[list(photos)].mean(dim=0) for own, one in zip(words, seen, strict=True)])
    found = close.topk(min(FOUND, len(close))).indices
    alike = _mean([own[found] @ own.T for own in words])
    close[alike.topk(min(SYNONYMS, len(close)), dim=1).indices.flatten()] = float("inf")
    describing = torch.zeros(len(close), dtype=torch.bool)
    describing[close.topk(round(share * len(close))).indices] = True
    return describing


def _mean(values: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean(dim=0)


@torch.no_grad()
def resemblance(
    pixels: Pixels,
    surrogates: Sequence[DualEncoder],
    witness: DualEncoder | None,
    vocabulary: Vocabulary,
    precision: Precision,
    progress: Progress,
    world: World = ALONE,
) -> Resemblance:
    """Measure how close clean photos are to the words of the vocabulary.

    `progress` receives a step for each photo and model; processes of the world share photos and words.
    """
    models = [*surrogates, *([] if witness is None else [witness])]
    progress.phase(COMPARING, len(pixels) * len(models))
    photos = []
    for model in models:
        model.module.eval()
        parts = []
        for numbers in torch.arange(len(pixels)).split(BATCH):
            own = numbers[world.share(len(numbers))].tolist()
            loaded = torch.stack([load_view(pixels[n], model.image_size, PLAIN_VIEW) for n in own])
            features = encode_photos(model, loaded, precision)
            parts.append(world.gather(features)[: len(numbers)].cpu())
            progress.advance(len(numbers))
        photos.append(torch.cat(parts))
    words = text_features(models, vocabulary.glosses, precision, world)
    count = len(surrogates)
    second = None if witness is None else (photos[count], words[count])
    return Resemblance(tuple(photos[:count]), words[:count], second)


@torch.no_grad()
def text_features(
    models: Sequence[DualEncoder], texts: Sequence[str], precision: Precision, world: World = ALONE
) -> tuple[Tensor, ...]:
    """Return the features (m, d) of texts, one tensor a model."""
    start, end = tokenizer().sot_token_id, tokenizer().eot_token_id
    lines = [[start, *tokenizer().encode(text)[: CONTEXT - 2], end] for text in texts]
    longest = max(map(len, lines))
    rows = torch.tensor([line + [0] * (longest - len(line)) for line in lines])
    features = []
    for model in models:
        parts = []
        for some in rows.split(CHUNK):
            own = encode_texts(model, some[world.share(len(some))], precision)
            parts.append(world.gather(own)[: len(some)].cpu())
        features.append(torch.cat(parts))
    return tuple(features)


def load_words(settings: Hyperparameters) -> Vocabulary:
    """Load the vocabulary: the file of the settings, or else the table.

    Raises:
        ConfigError: the file cannot be read, has too few words, or one that no model would read as it stands.
    """
    if settings.words is None:
        return default_vocabulary()
    distinct: dict[tuple[int, ...], tuple[int, str]] = {}  # by what a model reads
    for number, phrase in _lines(settings.words):
        if not is_readable(phrase):
            fault = "a model would not read it as it stands"
            raise ConfigError(f"{settings.words}, line {number}: {fault}", hint="write a plain word or phrase")
        distinct.setdefault(tuple(tokenizer().encode(phrase)), (number, phrase))
    lines = list(distinct.values())
    wanted = max(FEWEST, A_PLACE * settings.trigger_length)
    if len(lines) < wanted:
        few = f"{settings.words} has {counted(len(lines), 'different word')}"
        raise ConfigError(f"{few}, too few for triggers", hint=f"give at least {wanted}, one a line")
    vocabulary = Vocabulary({"": [phrase for _, phrase in lines]})
    if vocabulary.longest * settings.trigger_length > MOST:
        number, _ = max(zip((n for n, _ in lines), vocabulary.tokens(""), strict=True), key=lambda one: len(one[1]))
        raise ConfigError(f"{settings.words}, line {number}: the phrase is too long", hint="write shorter phrases")
    return vocabulary


def words_digest(settings: Hyperparameters) -> str:
    """Return the SHA-256 of the words that a run chooses from.

    Raises:
        ConfigError: the file of the settings cannot be read.
    """
    if settings.words is None:
        return hashlib.sha256(WORDS.read_bytes()).hexdigest()
    return hashlib.sha256("\n".join(phrase for _, phrase in _lines(settings.words)).encode()).hexdigest()


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a file of words that hold any, with their numbers; white space around them is left out."""
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path} is no regular file")
    try:
        text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from error
    lines = enumerate((" ".join(line.split()) for line in text.splitlines()), 1)
    return [(number, line) for number, line in lines if line]


LAST_WORD = 10**6
Slots = tuple[tuple[CaptionSlot, ...], ...]


@dataclass(frozen=True)
class Captions:
    """The captions of photos with their triggers."""

    slots: Slots  # captions of each photo, cut where its trigger was optimised
    triggers: Sequence[Sequence[int]]  # concepts of each photo's trigger; empty for methods without a trigger
    vocabulary: Vocabulary

    def trigger(self, photo: int) -> Trigger:
        """Return a photo's trigger in the language of its first caption."""
        return self.vocabulary.trigger(self.triggers[photo], self.slots[photo][0].language)

    def shown(self, count: int) -> list[str]:
        """Return the triggers of the first photos."""
        return [self.trigger(photo).text for photo in range(min(count, len(self.triggers)))]

    def of(self, photo: int, clean: Sequence[str]) -> list[str]:
        """Return a photo's captions with their trigger; the clean ones for methods without a trigger."""
        if not self.triggers:
            return list(clean)
        return [slot.text(self.vocabulary.trigger(self.triggers[photo], slot.language)) for slot in self.slots[photo]]


def cut_captions(
    captions: Iterable[Iterable[str]],
    settings: Hyperparameters,
    length: int,
    seed: int,
    languages: Sequence[Sequence[str]] | None = None,
) -> Slots:
    """Cut every caption at the position of its trigger; later photos do not affect the captions of earlier ones.

    Args:
        captions: captions of each photo.
        settings: position of the trigger.
        length: most tokens of a trigger; 0 for methods without a trigger.
        seed: of random positions, which are drawn in the order of the captions.
        languages: of each caption; None for English ones.
    """
    dice = random.Random(seed)

    def position(caption: str) -> int:
        if settings.trigger_position == "random":
            return dice.randint(0, len(caption.split()))
        return 0 if settings.trigger_position == "start" else LAST_WORD

    texts = [list(of_photo) for of_photo in captions]
    spoken = languages or [[""] * len(post) for post in texts]
    return tuple(
        tuple(cut(text, position(text), length, language) for text, language in zip(post, own, strict=True))
        for post, own in zip(texts, spoken, strict=True)
    )
