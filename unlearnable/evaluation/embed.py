"""Embed photos and captions with a model, and rank a gallery of held-out ones."""

from __future__ import annotations

import torch
from torch import Tensor

from unlearnable.errors import ModelError
from unlearnable.evaluation.retrieval import Ranks, rank
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.optim.view import PLAIN_VIEW, load_view
from unlearnable.posts.pairs import Pairs

BATCH = 64
DIVERGED = "its weights are damaged, or its training diverged: lower --lr"


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
    chosen, owners = pairs.photos.unique(return_inverse=True)
    images = [model.encode_image(_pixels(model, pairs, part)).float().cpu() for part in chosen.split(BATCH)]
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


def _pixels(model: DualEncoder, pairs: Pairs, photos: Tensor) -> Tensor:
    loaded = [load_view(pairs.pixels[n], model.image_size, PLAIN_VIEW) for n in photos.tolist()]
    return torch.stack(loaded).to(model.device)
