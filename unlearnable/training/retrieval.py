"""Rank photos and captions by each other: embeddings, ranks, Hit@k and Medr in both directions, and chance."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from math import comb, inf
from typing import NamedTuple

import torch
from torch import Tensor

from unlearnable.errors import ModelError
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.report import BothWays, Retrieval
from unlearnable.training.data import PLAIN_VIEW, Pairs, load_view

BATCH = 64
CHUNK = 512  # queries ranked at once: their scores take 13 bytes for each item of the gallery
DIVERGED = "its weights are damaged, or its training diverged: lower `lr`"


class Ranks(NamedTuple):
    """Ranks of the true partner, from 1, one per query."""

    image_to_text: Tensor  # (photos,)
    text_to_image: Tensor  # (captions,)


def retrieve(model: DualEncoder, gallery: Pairs) -> Ranks:
    """Rank a gallery in both directions, with photos loaded without crops and flips.

    Raises:
        ModelError: the model returns features that are not finite.
    """
    return rank(*embed(model, gallery))


@torch.no_grad()
def embed(model: DualEncoder, pairs: Pairs) -> tuple[Tensor, Tensor, Tensor]:
    """Return features of the photos (p, d) and of the captions (n, d), and the row of each caption's photo (n,).

    Raises:
        ModelError: the model returns features that are not finite.
    """
    model.module.eval()
    photos, owners = pairs.photos.unique(return_inverse=True)
    images = []
    for part in photos.split(BATCH):
        loaded = [load_view(pairs.pixels[photo], model.image_size, PLAIN_VIEW) for photo in part.tolist()]
        images.append(model.encode_image(torch.stack(loaded).to(model.device)).float().cpu())
    return _finite(model, images), embed_texts(model, pairs.tokens), owners


@torch.no_grad()
def embed_texts(model: DualEncoder, tokens: Tensor) -> Tensor:
    """Return features (n, d) of texts, which are token ids (n, 77).

    Raises:
        ModelError: the model returns features that are not finite.
    """
    model.module.eval()
    parts = tokens.split(4 * BATCH)
    return _finite(model, [model.encode_text(model.trim(part).to(model.device)).float().cpu() for part in parts])


def _finite(model: DualEncoder, parts: list[Tensor]) -> Tensor:
    features = torch.cat(parts)
    if not features.isfinite().all():
        raise ModelError(f"{model.spec.name} returns features that are not finite", hint=DIVERGED)
    return features


def rank(image_features: Tensor, text_features: Tensor, photo_of_caption: Tensor) -> Ranks:
    """Rank captions for each photo and photos for each caption, by normalised features and each caption's photo (c,).

    Raises:
        ValueError: a feature is not finite, there is nothing to rank, or a photo or a caption has no partner.
    """
    if not (image_features.isfinite().all() and text_features.isfinite().all()):
        raise ValueError("features must be finite to be ranked")
    if len(photo_of_caption) != len(text_features):
        raise ValueError(f"{len(text_features)} captions have features, but {len(photo_of_caption)} have a photo")
    _captions_of(len(image_features), photo_of_caption)
    photo = photo_of_caption.to(text_features.device)
    caption = torch.arange(len(text_features), device=photo.device)
    return Ranks(
        _ranks(image_features, text_features, photo, caption), _ranks(text_features, image_features, caption, photo)
    )


def _captions_of(photos: int, photo_of_caption: Tensor) -> Tensor:
    """Return the number of captions of each photo, after checking that all photos and captions have a partner."""
    if not photos or not len(photo_of_caption):
        raise ValueError("there is nothing to rank: no photo or no caption")
    if int(photo_of_caption.min()) < 0 or int(photo_of_caption.max()) >= photos:
        raise ValueError(f"a caption belongs to a photo outside 0 to {photos - 1}")
    captions = photo_of_caption.bincount(minlength=photos)
    if without := int((captions == 0).sum()):
        raise ValueError(f"{without} of {photos} photos have no caption, so they have no rank")
    return captions


def _ranks(queries: Tensor, gallery: Tensor, query: Tensor, item: Tensor) -> Tensor:
    """Return the rank of the best of each query's items, which the query's other items do not push down.

    Pair n is `query[n]`, `item[n]`. Scores are summed in double and rounded to float, so that equal
    features get equal scores anywhere in a block: in float alone the result depends on the order of summation.
    """
    wide, ranks = gallery.double().T, []
    for start in range(0, len(queries), CHUNK):
        scores = (queries[start : start + CHUNK].double() @ wide).float()  # (chunk, gallery)
        in_chunk = (query >= start) & (query < start + CHUNK)
        row = query[in_chunk] - start
        true_scores = scores[row, item[in_chunk]]
        best = scores.new_full((len(scores),), -inf).scatter_reduce(0, row, true_scores, "amax")
        tied = row[true_scores == best[row]].bincount(minlength=len(scores))
        ranks.append((scores >= best[:, None]).sum(dim=1) - tied + 1)
    return torch.cat(ranks)


def queries_of(ranks: Ranks, gallery: Pairs, first: int | None, *, others: bool = False) -> Ranks:
    """Return the ranks of the queries of the first photos of a gallery (None for all), or of the `others`' queries."""
    if first is None:
        return ranks
    photos = (torch.arange(len(ranks.image_to_text)) < first) ^ others
    return Ranks(ranks.image_to_text[photos], ranks.text_to_image[photos[gallery.photos]])


def hit(ranks: Tensor, k: int = 10) -> float:
    """Return Hit@k: the share of queries whose partner is among the first k, in per cent."""
    return 100 * int((ranks <= k).sum()) / len(ranks)


def medr(ranks: Tensor) -> float:
    """Return Medr: the median rank (the mean of the middle two if their number is even)."""
    return float(ranks.double().quantile(0.5))


def scores(ranks: Ranks) -> BothWays:
    """Return Hit@1, Hit@5, Hit@10 (in per cent) and Medr (a rank from 1) in both directions."""
    image_to_text, text_to_image = (
        Retrieval(hit1=hit(way, 1), hit5=hit(way, 5), hit10=hit(way, 10), medr=medr(way)) for way in ranks
    )
    return BothWays(image_to_text=image_to_text, text_to_image=text_to_image)


@dataclass(frozen=True)
class Chance:
    """The rank of the best of a query's partners in a gallery in random order, in one direction."""

    gallery: int  # items that are ranked
    partners: tuple[tuple[int, int], ...]  # pairs (m, count): number of queries that have m partners

    def above(self, k: int) -> Fraction:
        """Return the probability that a query's rank is above k: none of its m partners is among the first k."""
        rest, queries = max(self.gallery - k, 0), sum(count for _, count in self.partners)
        missed = (Fraction(count * comb(rest, m), comb(self.gallery, m)) for m, count in self.partners)
        return sum(missed, Fraction(0)) / queries

    def hit(self, k: int = 10) -> float:
        """Return the expected Hit@k, in per cent."""
        return float(100 * (1 - self.above(k)))

    def medr(self) -> float:
        """Return the median of the rank (the mean of the middle two if it lies between two ranks)."""
        ranks, half = range(1, self.gallery + 1), Fraction(1, 2)
        low = bisect_left(ranks, True, key=lambda k: self.above(k) <= half)
        high = bisect_left(ranks, True, key=lambda k: self.above(k) < half)
        return (ranks[low] + ranks[high]) / 2


class RandomReference(NamedTuple):
    """The ranks to expect, in both directions, from a model that knows nothing."""

    image_to_text: Chance
    text_to_image: Chance


def random_reference(photos: int, photo_of_caption: Tensor, queries: int | None = None) -> RandomReference:
    """Return the chance level of a gallery in both directions, by formula, for the queries of the first photos or all.

    Raises:
        ValueError: there is nothing to rank, or a photo or a caption has no partner.
    """
    captions = _captions_of(photos, photo_of_caption)[:queries]
    return RandomReference(
        Chance(len(photo_of_caption), tuple(sorted(Counter(captions.tolist()).items()))),
        Chance(photos, ((1, int(captions.sum())),)),
    )


def chance(gallery: Pairs, queries: int | None = None) -> BothWays:
    """Return the scores of a gallery in random order, by formula, of the first photos' queries or of all."""
    image_to_text, text_to_image = (
        Retrieval(hit1=way.hit(1), hit5=way.hit(5), hit10=way.hit(10), medr=way.medr())
        for way in random_reference(int(gallery.photos.max()) + 1, gallery.photos, queries)
    )
    return BothWays(image_to_text=image_to_text, text_to_image=text_to_image)
