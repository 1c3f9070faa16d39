"""CLIP's contrastive loss, and the hooks by which an attacker changes a victim's training to get past a protection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.data import Pairs


def same_source_mask(photos: Tensor, captions: Tensor) -> Tensor:
    """Mark (b, b) the pairs of a batch that must not be each other's negatives; the diagonal is never marked.

    Two pairs of the same photo, or with the same caption, are both correct: pushing them apart punishes a correct
    model, which matters for the small sets of one person. `photos` and `captions` (b,) are numbers; equal texts share
    a number.
    """
    same = (photos[:, None] == photos[None, :]) | (captions[:, None] == captions[None, :])
    return same & ~torch.eye(len(photos), dtype=torch.bool, device=photos.device)


def contrastive_loss(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor,
    *,
    drop: Tensor | None = None,
    decoys: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Return the symmetric cross entropy over the similarities of a batch (the L of Eq. 2-5).

    Args:
        image_features: (b, d), normalised.
        text_features: (b, d), normalised; row i belongs to image i.
        logit_scale: factor on the cosines (already exponentiated).
        drop: (b, b) bool of entries that are not negatives, see `same_source_mask`.
        decoys: (m, d) features of further texts that belong to no image of the batch.
        reduction: "mean" for a scalar, "none" for one loss per pair (b,).
    """
    logits = logit_scale * image_features @ text_features.T  # (b, b)
    if drop is not None:
        logits = logits.masked_fill(drop, float("-inf"))
    target = torch.arange(len(logits), device=logits.device)
    among = logits if decoys is None else torch.cat([logits, logit_scale * image_features @ decoys.T], dim=1)
    image_loss = F.cross_entropy(among, target, reduction=reduction)
    text_loss = F.cross_entropy(logits.T, target, reduction=reduction)
    return (image_loss + text_loss) / 2


@dataclass(frozen=True)
class Batch:
    """The photos and captions of one training step, on the model's device."""

    pixels: Tensor  # (b, 3, s, s) in [0, 1]
    tokens: Tensor  # (b, t) token ids of each photo's caption
    partners: Tensor | None = None  # (b,) row of a second caption of each photo, where photos were mixed
    weight: float = 1.0  # of a photo's own caption, 0 to 1; the partner has the rest

    def loss(self, images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
        """Return the contrastive loss of features (b, d); of mixed photos, the losses of both pairings weighted."""
        own = contrastive_loss(images, texts, scale)
        if self.partners is None:
            return own
        return self.weight * own + (1 - self.weight) * contrastive_loss(images, texts[self.partners], scale)


class Attacker:
    """The attacker who trains as usual. Members of `verify.attackers.ATTACKERS` override what they do otherwise.

    An attacker keeps no state, so that a training that is resumed gives the same weights.
    """

    def choose(self, model: DualEncoder, pairs: Pairs) -> Pairs:
        """Return the pairs to train on, given the model before its training."""
        return pairs

    def prepare(self, model: DualEncoder) -> None:
        """Set which weights learn, before the first step and again where a training is resumed."""

    def batch(self, model: DualEncoder, batch: Batch, generator: torch.Generator) -> Batch:
        """Return what a step is to train on; may switch the model to evaluation, and writes to no tensor of `batch`.

        The generator, on the CPU, is the source of all randomness; it depends on seed and step alone.
        """
        return batch

    def training_mode(self, model: DualEncoder) -> None:
        """Switch the model to training, right before the encoders see the batch."""
        model.learn()


PLAIN = Attacker()
