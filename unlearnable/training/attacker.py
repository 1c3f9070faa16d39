"""What an attacker does in a victim's training to get past a protection: the hooks that the training loop calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.contrastive import contrastive_loss
from unlearnable.training.pairs import Pairs


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
