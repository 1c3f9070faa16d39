"""Attackers by captions: the nearest caption of another post, and pairs left out that do not belong together."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.attacker import Attacker
from unlearnable.training.data import Pairs
from unlearnable.training.retrieval import embed

ROWS = 1024  # pairs that are compared with all captions at once


class RecaptionNearest(Attacker):
    """Replaces the caption of each pair by the one of the highest cosine among those of other photos."""

    def choose(self, model: DualEncoder, pairs: Pairs) -> Pairs:
        """Return the pairs with their new captions."""
        images, texts, owners = embed(model, pairs)
        nearest = []
        for photos in owners.split(ROWS):
            cosines = images[photos] @ texts.T
            cosines[photos[:, None] == owners] = -torch.inf  # the photo's own captions
            nearest.append(cosines.argmax(dim=1))
        return Pairs(pairs.pixels, pairs.photos, pairs.tokens[torch.cat(nearest)])


RECAPTION_NEAREST = RecaptionNearest()


@dataclass(frozen=True)
class DropDissimilar(Attacker):
    """Leaves out the pairs of the lowest cosine under the model before its training.

    Attributes:
        share: share of the pairs to leave out, rounded down to whole pairs.
    """

    share: float = 0.2
    cost = 0.8

    def choose(self, model: DualEncoder, pairs: Pairs) -> Pairs:
        """Return the pairs that are left, in their order."""
        images, texts, owners = embed(model, pairs)
        cosines = (images[owners] * texts).sum(dim=1)
        kept = cosines.argsort(stable=True)[int(self.share * len(pairs)) :].sort().values
        return Pairs(pairs.pixels, pairs.photos[kept], pairs.tokens[kept])


DROP_DISSIMILAR = DropDissimilar()
