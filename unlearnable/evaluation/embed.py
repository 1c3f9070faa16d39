"""Embed a gallery of held-out photos and captions with a model and rank it."""

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


@torch.no_grad()
def retrieve(model: DualEncoder, gallery: Pairs) -> Ranks:
    """Rank a gallery in both directions, with photos loaded without crops and flips.

    Raises:
        ModelError: the model returns features that are not finite.
    """
    model.module.eval()
    chosen, owners = gallery.photos.unique(return_inverse=True)
    images = [model.encode_image(_pixels(model, gallery, part)).float().cpu() for part in chosen.split(BATCH)]
    texts = [
        model.encode_text(model.trim(part).to(model.device)).float().cpu() for part in gallery.tokens.split(4 * BATCH)
    ]
    features = torch.cat(images), torch.cat(texts)
    if not all(part.isfinite().all() for part in features):
        raise ModelError(f"{model.spec.name} returns features that are not finite", hint=DIVERGED)
    return rank(*features, owners)


def _pixels(model: DualEncoder, gallery: Pairs, photos: Tensor) -> Tensor:
    loaded = [load_view(gallery.pixels[n], model.image_size, PLAIN_VIEW) for n in photos.tolist()]
    return torch.stack(loaded).to(model.device)
