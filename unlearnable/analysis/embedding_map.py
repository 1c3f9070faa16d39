"""Photos and captions of some posts as points: how near a model puts them, and a t-SNE of them (Fig. 6 of the paper).

van der Maaten and Hinton, *Visualizing Data using t-SNE* (JMLR 2008). A t-SNE shows who is whose neighbour and
distorts distances, so the cosines behind it come along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.extras import require
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import tokenizer
from unlearnable.optim.view import PLAIN_VIEW, View, load_view, sample_view

SMALLEST_CROP = 0.8
PERPLEXITY = 10.0


@dataclass(frozen=True)
class Points:
    """Features of photos and captions, each normalised.

    Attributes:
        features: (n, d).
        posts: (n,) the post of each.
        captions: (n,) whether it is a caption, not a photo.
    """

    features: NDArray[np.float32]
    posts: NDArray[np.int64]
    captions: NDArray[np.bool_]


@dataclass(frozen=True)
class Cosines:
    """Mean cosines: copies of one photo, captions of one post, a photo and its captions, a photo and those of others.

    None where there is no such pair.
    """

    copies: float | None
    captions: float | None
    own: float | None
    others: float | None


@torch.no_grad()
def embed(encoder: DualEncoder, photos: Sequence[Tensor], captions: Sequence[Sequence[str]], seed: int) -> Points:
    """Embed posts: of each photo as many copies as it has captions, the first plain, the others cropped and flipped.

    Args:
        encoder: the model, in evaluation mode.
        photos: (3, h, w) each, 0-255.
        captions: the captions of each photo, at least one.
        seed: of the copies.
    """
    generator = torch.Generator().manual_seed(seed)
    features, posts, kinds = [], [], []
    for number, (photo, texts) in enumerate(zip(photos, captions, strict=True)):
        ways: list[View] = [PLAIN_VIEW, *(sample_view(generator, SMALLEST_CROP) for _ in texts[1:])]
        copies = torch.stack([load_view(photo, encoder.image_size, way) for way in ways]).to(encoder.device)
        tokens = tokenizer()(list(texts)).to(encoder.device)
        features += [encoder.encode_image(copies), encoder.encode_text(encoder.trim(tokens))]
        posts += [number] * (len(ways) + len(texts))
        kinds += [False] * len(ways) + [True] * len(texts)
    return Points(torch.cat(features).float().cpu().numpy(), np.array(posts), np.array(kinds))


def cosines(points: Points) -> Cosines:
    """The mean cosines of these points, without those of a point with itself."""
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
    """(n, 2) coordinates of features (n, d) by t-SNE over cosine distances; perplexity 10, less for few points.

    Raises:
        ConfigError: scikit-learn is not installed.
        ValueError: there are fewer than four points.
    """
    if len(features) < 4:
        raise ValueError(f"{len(features)} points are too few for a map")
    manifold = require("sklearn.manifold", "explain")
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    method = manifold.TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed)
    found: NDArray[np.float32] = method.fit_transform(features)
    return found
