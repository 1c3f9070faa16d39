"""Photos and captions of some posts as points: how close a model places them, and their t-SNE (Fig. 6 of the paper).

van der Maaten and Hinton, *Visualizing Data using t-SNE* (JMLR 2008). A t-SNE shows which points are neighbours but
distorts distances, so the cosines are reported with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import tokenizer
from unlearnable.training.view import PLAIN_VIEW, View, load_view, sample_view

SMALLEST_CROP = 0.8
PERPLEXITY = 10.0


@dataclass(frozen=True)
class Points:
    """Features of photos and captions.

    Attributes:
        features: (n, d) normalised features.
        posts: (n,) number of the post that each point belongs to.
        captions: (n,) whether a point is a caption rather than a photo.
    """

    features: NDArray[np.float32]
    posts: NDArray[np.int64]
    captions: NDArray[np.bool_]


@dataclass(frozen=True)
class Cosines:
    """Mean cosines between points; None where there is no such pair.

    Attributes:
        copies: between copies of one photo.
        captions: between captions of one post.
        own: between a photo and its captions.
        others: between a photo and the captions of other posts.
    """

    copies: float | None
    captions: float | None
    own: float | None
    others: float | None


@torch.no_grad()
def embed(encoder: DualEncoder, photos: Sequence[Tensor], captions: Sequence[Sequence[str]], seed: int) -> Points:
    """Embed posts with as many copies of each photo as it has captions: one plain, the others cropped and flipped.

    Args:
        encoder: model in evaluation mode.
        photos: pixels (3, h, w) of each photo, 0-255.
        captions: captions of each photo, at least one.
        seed: seed of the crops and flips.
    """
    generator = torch.Generator().manual_seed(seed)
    features, posts, kinds = [], [], []
    for number, (photo, texts) in enumerate(zip(photos, captions, strict=True)):
        views: list[View] = [PLAIN_VIEW, *(sample_view(generator, SMALLEST_CROP) for _ in texts[1:])]
        copies = torch.stack([load_view(photo, encoder.image_size, view) for view in views]).to(encoder.device)
        tokens = tokenizer()(list(texts)).to(encoder.device)
        features += [encoder.encode_image(copies), encoder.encode_text(encoder.trim(tokens))]
        posts += [number] * (len(views) + len(texts))
        kinds += [False] * len(views) + [True] * len(texts)
    return Points(torch.cat(features).float().cpu().numpy(), np.array(posts), np.array(kinds))


def cosines(points: Points) -> Cosines:
    """Return the mean cosines of points, without that of a point with itself."""
    all_pairs = points.features @ points.features.T
    same = points.posts[:, None] == points.posts[None]
    both, neither = points.captions[:, None] & points.captions[None], ~points.captions[:, None] & ~points.captions[None]
    distinct = ~np.eye(len(points.posts), dtype=bool)

    def mean(chosen: NDArray[np.bool_]) -> float | None:
        return float(all_pairs[chosen].mean()) if chosen.any() else None

    return Cosines(
        copies=mean(same & neither & distinct),
        captions=mean(same & both & distinct),
        own=mean(same & ~both & ~neither),
        others=mean(~same & ~both & ~neither),
    )


def tsne(features: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return t-SNE coordinates (n, 2) of features (n, d) over cosine distances; perplexity 10, less for few points.

    Raises:
        ValueError: there are fewer than four points.
    """
    if len(features) < 4:
        raise ValueError(f"{len(features)} points are too few for a map")
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    method = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed)
    coordinates: NDArray[np.float32] = method.fit_transform(features)
    return coordinates
