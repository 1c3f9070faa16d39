"""Photos and captions of some posts as points: how close a model places them, and their t-SNE (Fig. 6 of the paper).

van der Maaten and Hinton, *Visualizing Data using t-SNE* (JMLR 2008). A t-SNE shows which points are neighbours but
distorts distances, so the cosines are reported with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import tokenizer
from unlearnable.training.data import PLAIN_VIEW, load_view, sample_view

SMALLEST_CROP = 0.8
PERPLEXITY = 10.0


class Points(NamedTuple):
    """Features of photos and captions."""

    features: NDArray[np.float32]  # (n, d), normalised
    posts: NDArray[np.int64]  # (n,) number of the post that each point belongs to
    captions: NDArray[np.bool_]  # (n,) whether a point is a caption rather than a photo


@torch.no_grad()
def embed(encoder: DualEncoder, photos: Sequence[Tensor], captions: Sequence[Sequence[str]], seed: int) -> Points:
    """Embed posts: photos (3, h, w), 0-255, and at least one caption of each.

    There are as many copies of each photo as it has captions: one plain, the others cropped and flipped.
    """
    generator = torch.Generator().manual_seed(seed)
    features, posts, kinds = [], [], []
    for number, (photo, texts) in enumerate(zip(photos, captions, strict=True)):
        views = [PLAIN_VIEW, *(sample_view(generator, SMALLEST_CROP) for _ in texts[1:])]
        copies = torch.stack([load_view(photo, encoder.image_size, view) for view in views]).to(encoder.device)
        tokens = tokenizer()(list(texts)).to(encoder.device)
        features += [encoder.encode_image(copies), encoder.encode_text(encoder.trim(tokens))]
        posts += [number] * (len(views) + len(texts))
        kinds += [False] * len(views) + [True] * len(texts)
    return Points(torch.cat(features).float().cpu().numpy(), np.array(posts), np.array(kinds))


def mean_cosines(points: Points) -> dict[str, float | None]:
    """Return the mean cosines of points as `EmbeddingMap` names them; None where there is no such pair."""
    cosines = points.features @ points.features.T
    same_post = points.posts[:, None] == points.posts[None]
    captions = points.captions[:, None].astype(int) + points.captions[None]  # in each pair: 0, 1 or 2
    distinct = ~np.eye(len(points.posts), dtype=bool)
    pairs = {
        "cosine_copies": same_post & (captions == 0) & distinct,
        "cosine_captions": same_post & (captions == 2) & distinct,
        "cosine_own": same_post & (captions == 1),
        "cosine_others": ~same_post & (captions == 1),
    }
    return {name: float(cosines[chosen].mean()) if chosen.any() else None for name, chosen in pairs.items()}


def tsne(features: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return t-SNE coordinates (n, 2) of at least four features (n, d) over cosine distances."""
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    method = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed)
    coordinates: NDArray[np.float32] = method.fit_transform(features)
    return coordinates
