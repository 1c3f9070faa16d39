"""CLIP's symmetric InfoNCE loss, with a mask for pairs that are not each other's negatives."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor


def same_source_mask(photos: Tensor, captions: Tensor) -> Tensor:
    """Mark the pairs of a batch that must not be each other's negatives.

    Two pairs of the same photo, or with the same caption, are both correct: pushing them
    apart punishes a correct model, which matters for the small sets of one person.

    Args:
        photos: (b,) photo number of each pair.
        captions: (b,) caption number of each pair; equal texts share a number.

    Returns:
        (b, b) bool, true for entries to drop; the diagonal is never dropped.
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
    wrong = logits if decoys is None else torch.cat([logits, logit_scale * image_features @ decoys.T], dim=1)
    image_loss = F.cross_entropy(wrong, target, reduction=reduction)
    text_loss = F.cross_entropy(logits.T, target, reduction=reduction)
    return (image_loss + text_loss) / 2
