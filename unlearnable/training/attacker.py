"""CLIP's symmetric InfoNCE loss, with a mask for pairs that are not each other's negatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.data import Pairs


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


@dataclass(frozen=True)
class Batch:
    """The photos and captions of one training step, on the model's device.

    Attributes:
        pixels: (b, 3, s, s) in [0, 1].
        tokens: (b, t) token ids of each photo's caption.
        partners: (b,) row of a second caption of each photo, where photos were mixed; None where they were not.
        weight: weight of a photo's own caption, 0 to 1; the partner has the rest.
    """

    pixels: Tensor
    tokens: Tensor
    partners: Tensor | None = None
    weight: float = 1.0

    def loss(self, images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
        """Return the contrastive loss; of mixed photos the convex combination of the losses of both pairings.

        Args:
            images: (b, d) features of the photos.
            texts: (b, d) features of the captions.
            scale: factor on the cosines.
        """
        own = contrastive_loss(images, texts, scale)
        if self.partners is None:
            return own
        return self.weight * own + (1 - self.weight) * contrastive_loss(images, texts[self.partners], scale)


class Attacker:
    """The attacker who trains as usual. Members of `verify.attackers.ATTACKERS` override what they do otherwise.

    An attacker keeps no state, so that a training that is resumed gives the same weights.

    Attributes:
        adaptive: whether the attacker is made against this tool and knows how it protects.
        cost: time of a training step, as a multiple of a plain one, for estimates.
    """

    adaptive: ClassVar[bool] = False
    cost: float = 1.0

    @property
    def title(self) -> str:
        """What errors call the attacker, which does not know its name in the registry."""
        return f"the attacker {type(self).__module__}.{type(self).__qualname__}"

    def choose(self, model: DualEncoder, pairs: Pairs) -> Pairs:
        """Return the pairs to train on, given the model before its training."""
        return pairs

    def prepare(self, model: DualEncoder) -> None:
        """Set which weights learn, before the first step and again where a training is resumed."""

    def batch(self, model: DualEncoder, batch: Batch, generator: torch.Generator) -> Batch:
        """Return what a step is to train on; may switch the model to evaluation, and writes to no tensor of `batch`.

        Args:
            model: model as it is before the step.
            batch: photos as they were loaded, with their captions.
            generator: source of all randomness, on the CPU; it depends on seed and step alone.
        """
        return batch

    def training_mode(self, model: DualEncoder) -> None:
        """Switch the model to training, right before the encoders see the batch."""
        model.learn()


PLAIN = Attacker()
