"""Attackers that cover or mix the photos of a batch, so that no part of a photo can be relied on.

Cutout: DeVries and Taylor, arXiv:1708.04552. Mixup: Zhang et al., arXiv:1710.09412. CutMix: Yun et al.,
arXiv:1905.04899. In a contrastive loss the target of a mixed photo is a pair of captions.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.attacker import Attacker, Batch


class Cutout(Attacker):
    """Covers a square of half the side with the model's mean colour; its centre may be anywhere in the photo."""

    def batch(self, model: DualEncoder, batch: Batch, generator: torch.Generator) -> Batch:
        """Return the batch with a square of each photo covered."""
        count, _, height, width = batch.pixels.shape
        centres = torch.rand(2, count, 1, generator=generator).to(batch.pixels) * height
        rows, columns = (
            (torch.arange(length, device=batch.pixels.device) - centre).abs() < height / 4
            for length, centre in zip((height, width), centres, strict=True)
        )
        covered = (rows[:, :, None] & columns[:, None, :])[:, None]
        colour = torch.tensor(model.spec.mean).view(1, 3, 1, 1).to(batch.pixels)
        return replace(batch, pixels=torch.where(covered, colour, batch.pixels))


class CutMix(Attacker):
    """Pastes the same box of another photo of the batch into each photo; the box has a random share of the area."""

    def batch(self, model: DualEncoder, batch: Batch, generator: torch.Generator) -> Batch:
        """Return the batch with a box of each photo replaced; the weight is the share of the area that is left."""
        height, width = batch.pixels.shape[-2:]
        area, y, x = torch.rand(3, generator=generator).tolist()
        tall, wide = round(height * area**0.5), round(width * area**0.5)
        top, left = round(y * (height - tall)), round(x * (width - wide))
        partners = _partners(batch, generator)
        pixels = batch.pixels.clone()
        pixels[..., top : top + tall, left : left + wide] = batch.pixels[
            partners, :, top : top + tall, left : left + wide
        ]
        return replace(batch, pixels=pixels, partners=partners, weight=1 - tall * wide / (height * width))


class Mixup(Attacker):
    """Blends each photo with another one of the batch, by a random weight."""

    def batch(self, model: DualEncoder, batch: Batch, generator: torch.Generator) -> Batch:
        """Return the batch with each photo blended."""
        weight = torch.rand((), generator=generator).item()
        partners = _partners(batch, generator)
        pixels = weight * batch.pixels + (1 - weight) * batch.pixels[partners]
        return replace(batch, pixels=pixels, partners=partners, weight=weight)


def _partners(batch: Batch, generator: torch.Generator) -> torch.Tensor:
    """Return the row (b,) that each photo is mixed with, in random order."""
    return torch.randperm(len(batch.pixels), generator=generator).to(batch.pixels.device)


CUTOUT, CUTMIX, MIXUP = Cutout(), CutMix(), Mixup()
