"""An attacker: some photos of each batch are shown as negatives."""

from __future__ import annotations

from dataclasses import replace

import torch

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.attacker import Attacker, Batch


class Inverting(Attacker):
    """Shows about half the photos as negatives."""

    def batch(self, model: DualEncoder, batch: Batch, generator: torch.Generator) -> Batch:
        """Return the batch with those photos inverted."""
        inverted = torch.rand(len(batch.pixels), 1, 1, 1, generator=generator).to(batch.pixels) < 0.5
        return replace(batch, pixels=torch.where(inverted, 1 - batch.pixels, batch.pixels))


INVERTING = Inverting()
