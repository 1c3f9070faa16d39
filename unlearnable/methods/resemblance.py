"""Which words describe a photo: those that models find close to it, and near synonyms of the closest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnable.config import Precision, TriggerSettings
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import encode_photos, encode_texts
from unlearnable.models.tokens import Vocabulary, tokenizer
from unlearnable.optim.view import PLAIN_VIEW, load_view
from unlearnable.posts.pixels import Pixels
from unlearnable.progress.reporting import Progress
from unlearnable.training.distributed import ALONE, World

COMPARING = "looking for words that describe the photos"
BATCH, CHUNK = 64, 512  # photos, texts
FOUND = 16  # words closest to a photo, whose near synonyms count too
SYNONYMS = 8  # of each of those: the words closest to it, itself included


@dataclass(frozen=True)
class Resemblance:
    """How close clean photos and words are to each other; features are normalised, one tensor a model.

    Attributes:
        photos: (n, d) features of the photos.
        words: (v, d) features of the vocabulary's words, each alone.
        common: (v,) the words that hold a sentence together, which describe nothing.
        share: share of the words that count as describing a photo; 0 for none.
    """

    photos: tuple[Tensor, ...]
    words: tuple[Tensor, ...]
    common: Tensor
    share: float

    def describing(self, photos: Sequence[int]) -> Tensor:
        """Return (v,) bool: the words that describe photos, closest to them on average, synonyms before all others."""
        seen = [features[list(photos)].mean(dim=0) for features in self.photos]
        close = self._mean([words @ one for words, one in zip(self.words, seen, strict=True)])
        found = close.topk(min(FOUND, len(close))).indices
        alike = self._mean([words[found] @ words.T for words in self.words])
        close[alike.topk(min(SYNONYMS, len(close)), dim=1).indices.flatten()] = float("inf")
        describing = torch.zeros_like(self.common)
        describing[close.topk(round(self.share * len(close))).indices] = True
        return describing & ~self.common

    def cosine_of_own(self, texts: Sequence[Tensor]) -> float:
        """Return the mean cosine of each photo and the text of its number, features (n, d), one tensor a model."""
        return float(self._mean([(a * b).sum(dim=1).mean() for a, b in zip(self.photos, texts, strict=True)]))

    def cosine_of_all(self, texts: Sequence[Tensor]) -> float:
        """Return the mean cosine of all photos and all texts, features (m, d), one tensor a model."""
        return float(self._mean([a.mean(dim=0) @ b.mean(dim=0) for a, b in zip(self.photos, texts, strict=True)]))

    @staticmethod
    def _mean(values: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(values)).mean(dim=0)


@torch.no_grad()
def resemblance(
    pixels: Pixels,
    models: Sequence[DualEncoder],
    vocabulary: Vocabulary,
    settings: TriggerSettings,
    progress: Progress,
    world: World = ALONE,
) -> Resemblance:
    """Measure how close photos are to the words of a vocabulary.

    Args:
        pixels: working copies of the clean photos.
        models: pretrained.
        vocabulary: words that triggers are made of.
        settings: share of the words that count as describing a photo, and number format.
        progress: receives one step per photo and model.
        world: processes that share photos and words, and all learn what each has seen.
    """
    progress.phase(COMPARING, len(pixels) * len(models))
    photos = []
    for model in models:
        model.module.eval()
        parts = []
        for numbers in torch.arange(len(pixels)).split(BATCH):
            own = numbers[world.share(len(numbers))].tolist()
            loaded = torch.stack([load_view(pixels[n], model.image_size, PLAIN_VIEW) for n in own])
            features = encode_photos(model, loaded, settings.precision)
            parts.append(world.gather(features)[: len(numbers)].cpu())
            progress.advance(len(numbers))
        photos.append(torch.cat(parts))
    words = text_features(models, torch.tensor(vocabulary.ids)[:, None], settings.precision, world)
    common = torch.tensor([word in vocabulary.common for word in vocabulary.words])
    return Resemblance(tuple(photos), words, common, settings.avoid_similar)


@torch.no_grad()
def text_features(
    models: Sequence[DualEncoder], tokens: Tensor, precision: Precision, world: World = ALONE
) -> tuple[Tensor, ...]:
    """Return the features (m, d) of texts of k tokens (m, k) each, one tensor a model."""
    start, end = tokenizer().sot_token_id, tokenizer().eot_token_id
    rows = torch.nn.functional.pad(torch.nn.functional.pad(tokens, (1, 0), value=start), (0, 1), value=end)
    features = []
    for model in models:
        parts = []
        for texts in rows.split(CHUNK):
            own = encode_texts(model, texts[world.share(len(texts))], precision)
            parts.append(world.gather(own)[: len(texts)].cpu())
        features.append(torch.cat(parts))
    return tuple(features)
