"""A gallery of held-out photos and captions, embedded by a model and ranked."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from unlearnable.errors import ModelError
from unlearnable.evaluation.retrieval import Ranks, rank
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.optim.view import PLAIN, load

BATCH = 64
ASTRAY = "its weights are damaged, or its training went astray: lower --lr"


class Photos(Protocol):
    """Photos by number."""

    def __getitem__(self, photo: int, /) -> Tensor:
        """(3, h, w), 0-255."""


class Gallery(Protocol):
    """Photos, and captions that belong to them; photos without a caption are not ranked."""

    @property
    def pixels(self) -> Photos:
        """The photos."""

    @property
    def photos(self) -> Tensor:
        """(c,) the photo of each caption."""

    @property
    def tokens(self) -> Tensor:
        """(c, 77) the captions."""


@torch.no_grad()
def retrieve(model: DualEncoder, gallery: Gallery) -> Ranks:
    """Rank a gallery both ways, photos loaded plainly.

    Raises:
        ModelError: the model gives features that are not finite.
    """
    model.module.eval()
    chosen, owners = gallery.photos.unique(return_inverse=True)
    images = [model.encode_image(_pixels(model, gallery, part)).float().cpu() for part in chosen.split(BATCH)]
    texts = [
        model.encode_text(model.trim(part).to(model.device)).float().cpu() for part in gallery.tokens.split(4 * BATCH)
    ]
    features = torch.cat(images), torch.cat(texts)
    if not all(some.isfinite().all() for some in features):
        raise ModelError(f"{model.spec.name} gives features that are not finite", hint=ASTRAY)
    return rank(*features, owners)


def _pixels(model: DualEncoder, gallery: Gallery, photos: Tensor) -> Tensor:
    loaded = [load(gallery.pixels[n], model.image_size, PLAIN) for n in photos.tolist()]
    return torch.stack(loaded).to(model.device)
