"""Rank photos and captions by each other: embeddings, ranks, Hit@k and Medr in both directions, and chance."""

from bisect import bisect_left
from collections import Counter
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
    """Rank a gallery in both directions, with photos loaded without crops and flips."""
    return rank(*embed(model, gallery))


@torch.no_grad()
def embed(model: DualEncoder, pairs: Pairs) -> tuple[Tensor, Tensor, Tensor]:
    """Return features of the photos (p, d) and of the captions (n, d), and the row of each caption's photo (n,)."""
    model.module.eval()
    photos, owners = pairs.photos.unique(return_inverse=True)
    images = []
    for part in photos.split(BATCH):
        loaded = [load_view(pairs.pixels[photo], model.image_size, PLAIN_VIEW) for photo in part.tolist()]
        images.append(model.encode_image(torch.stack(loaded).to(model.device)).float().cpu())
    return _finite(model, images), embed_texts(model, pairs.tokens), owners


@torch.no_grad()
def embed_texts(model: DualEncoder, tokens: Tensor) -> Tensor:
    """Return features (n, d) of texts, which are token ids (n, 77)."""
    model.module.eval()
    parts = tokens.split(4 * BATCH)
    return _finite(model, [model.encode_text(model.trim(part).to(model.device)).float().cpu() for part in parts])


def _finite(model: DualEncoder, parts: list[Tensor]) -> Tensor:
    features = torch.cat(parts)
    if not features.isfinite().all():
        raise ModelError(f"{model.spec.name} returns features that are not finite", hint=DIVERGED)
    return features


def rank(image_features: Tensor, text_features: Tensor, photo_of_caption: Tensor) -> Ranks:
    """Rank captions for each photo and photos for each caption, by normalised features and each caption's photo."""
    photo = photo_of_caption.to(text_features.device)
    caption = torch.arange(len(text_features), device=photo.device)
    return Ranks(
        _ranks(image_features, text_features, photo, caption), _ranks(text_features, image_features, caption, photo)
    )


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


def chance(gallery: Pairs, queries: int | None = None) -> BothWays:
    """Return the scores of a gallery in random order, by formula, of the first photos' queries or of all."""
    captions = gallery.photos.bincount()
    own = captions[:queries].tolist()
    return BothWays(
        image_to_text=_by_chance(len(gallery), Counter(own)),
        text_to_image=_by_chance(len(captions), Counter({1: sum(own)})),
    )


def _by_chance(size: int, partners: Counter[int]) -> Retrieval:
    """Return the scores of ranking `size` items in random order; `partners` counts the queries with so many partners.

    A query's rank is that of its best partner.
    """

    def above(k: int) -> Fraction:
        """Return the probability that a rank is above k: none of the partners is among the first k."""
        rest = max(size - k, 0)
        return sum((Fraction(n * comb(rest, m), comb(size, m)) for m, n in partners.items()), Fraction(0)) / total

    total, ranks, half = partners.total(), range(1, size + 1), Fraction(1, 2)
    hits = {f"hit{k}": float(100 * (1 - above(k))) for k in (1, 5, 10)}
    low = ranks[bisect_left(ranks, True, key=lambda k: above(k) <= half)]
    high = ranks[bisect_left(ranks, True, key=lambda k: above(k) < half)]
    return Retrieval(**hits, medr=(low + high) / 2)
