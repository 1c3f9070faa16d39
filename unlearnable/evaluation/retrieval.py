"""Hit@k and Medr in both directions: the rank of the true partner in a gallery ordered by similarity.

Ranks count from 1 and ties count against the model. Image -> text takes the best-ranked
of a photo's captions; text -> image ranks every caption. `random_reference` computes what a
random order would give. The conventions are compared in docs/explanation/metrics.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from math import comb, inf

import torch
from torch import Tensor

CHUNK = 512  # queries ranked at once: their scores take 13 bytes for each item of the gallery


@dataclass(frozen=True)
class Ranks:
    """Ranks of the true partner, from 1, one per query."""

    image_to_text: Tensor  # (photos,)
    text_to_image: Tensor  # (captions,)

    def of(self, photos: Tensor, photo_of_caption: Tensor) -> Ranks:
        """Return the ranks of some queries alone: those of `photos`, (p,) bool, and of their captions."""
        return Ranks(self.image_to_text[photos], self.text_to_image[photos[photo_of_caption]])


@dataclass(frozen=True)
class Chance:
    """The rank of the best of a query's partners in a gallery in random order, in one direction.

    Attributes:
        gallery: number of items that are ranked.
        partners: pairs (m, count): number of partners, and number of queries that have that many.
    """

    gallery: int
    partners: tuple[tuple[int, int], ...]

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


@dataclass(frozen=True)
class RandomReference:
    """The ranks to expect, in both directions, from a model that knows nothing."""

    image_to_text: Chance
    text_to_image: Chance


def hit(ranks: Tensor, k: int = 10) -> float:
    """Return Hit@k: the share of queries whose partner is among the first k, in per cent."""
    return 100 * int((ranks <= k).sum()) / len(ranks)


def medr(ranks: Tensor) -> float:
    """Return Medr: the median rank (the mean of the middle two if their number is even)."""
    return float(ranks.double().quantile(0.5))


def random_reference(photos: int, photo_of_caption: Tensor, queries: int | None = None) -> RandomReference:
    """Return the chance level of a gallery in both directions, by formula.

    Args:
        photos: number of photos.
        photo_of_caption: (c,) number of the photo that each caption belongs to.
        queries: number of the first photos, to which queries belong; None for all.

    Raises:
        ValueError: there is nothing to rank, a photo has no caption, or a caption has no photo.
    """
    captions = _captions_of(photos, photo_of_caption)[:queries]
    return RandomReference(
        Chance(len(photo_of_caption), tuple(sorted(Counter(captions.tolist()).items()))),
        Chance(photos, ((1, int(captions.sum())),)),
    )


def rank(image_features: Tensor, text_features: Tensor, photo_of_caption: Tensor) -> Ranks:
    """Rank captions for each photo and photos for each caption.

    Args:
        image_features: (p, d), normalised.
        text_features: (c, d), normalised.
        photo_of_caption: (c,) number of the photo that each caption belongs to.

    Raises:
        ValueError: a feature is not a finite number, there is nothing to rank, a photo has no
            caption (its rank is undefined), or a caption has no photo.
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
