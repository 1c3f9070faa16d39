"""Attackers who change the photos of a batch: cover or mix them, or look for the change that the model knows least.

Cutout: DeVries and Taylor, arXiv:1708.04552. Mixup: Zhang et al., arXiv:1710.09412. CutMix: Yun et al.,
arXiv:1905.04899; in a contrastive loss the target of a mixed photo is a pair of captions. UEraser-Max: Qin et al.,
"Learning the Unlearnable", arXiv:2303.15127. One-step adversarial training: Goodfellow et al., arXiv:1412.6572.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.loop import Attacker, Batch, contrastive_loss

JITTER = 0.4  # largest change of brightness, contrast and saturation, as a share
PLASMA = 0.5  # range of the brightness that a plasma field adds, of the range of pixels
OCTAVES = 5


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


@dataclass(frozen=True)
class WorstView(Attacker):
    """Takes, of several strongly changed versions of each photo, the one with the largest loss."""

    views: int = 5

    @torch.no_grad()
    def batch(self, model: DualEncoder, batch: Batch, generator: torch.Generator) -> Batch:
        """Return the batch with the worst version of each photo."""
        model.module.eval()  # looking for it must not change the statistics of normalisations
        worst, highest = batch.pixels, torch.full((len(batch.pixels),), float("-inf"), device=batch.pixels.device)
        texts = model.encode_text(batch.tokens)
        for _ in range(self.views):
            view = strong_view(batch.pixels, generator)
            losses = contrastive_loss(model.encode_image(view), texts, model.logit_scale, reduction="none")
            worst = torch.where((losses > highest)[:, None, None, None], view, worst)
            highest = torch.maximum(highest, losses)
        return replace(batch, pixels=worst)


@dataclass(frozen=True)
class OneStep(Attacker):
    """Moves every pixel value by a fixed amount to where the loss is higher (FGSM)."""

    amount: int = 2  # in 1/255

    def batch(self, model: DualEncoder, batch: Batch, generator: torch.Generator) -> Batch:
        """Return the batch with the changed photos."""
        model.module.eval()
        with torch.enable_grad():
            pixels = batch.pixels.detach().requires_grad_()
            texts = model.encode_text(batch.tokens).detach()
            loss = contrastive_loss(model.encode_image(pixels), texts, model.logit_scale.detach())
            (gradient,) = torch.autograd.grad(loss, pixels)
        return replace(batch, pixels=(batch.pixels + self.amount / 255 * gradient.sign()).clamp(0, 1))


def strong_view(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return photos (b, 3, h, w) in [0, 1], each with its own plasma of brightness, jitter and order of channels."""
    count = len(pixels)
    field = _plasma(pixels, generator)
    lit = (pixels + PLASMA * (field - 0.5)).clamp(0, 1)
    factors = 1 + JITTER * (2 * torch.rand(3, count, 1, 1, 1, generator=generator).to(pixels) - 1)
    bright = lit * factors[0]
    centre = bright.mean(dim=(1, 2, 3), keepdim=True)
    contrasted = centre + factors[1] * (bright - centre)
    grey = contrasted.mean(dim=1, keepdim=True)
    coloured = (grey + factors[2] * (contrasted - grey)).clamp(0, 1)
    channels = torch.rand(count, 3, generator=generator).argsort(dim=1).to(pixels.device)
    return coloured[torch.arange(count, device=pixels.device)[:, None], channels]


def _plasma(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return a smooth random field (b, 1, h, w) from 0 to 1 for each photo: octaves of noise, each half as strong."""
    count, size = len(pixels), pixels.shape[-2:]
    field = torch.zeros(count, 1, *size)
    for octave in range(OCTAVES):
        side = 2 ** (octave + 1)
        coarse = torch.rand(count, 1, side, side, generator=generator)
        field += 0.5**octave * F.interpolate(coarse, size=size, mode="bilinear", align_corners=True)
    low, high = field.amin(dim=(2, 3), keepdim=True), field.amax(dim=(2, 3), keepdim=True)
    return ((field - low) / (high - low).clamp_min(1e-6)).to(pixels)


CUTOUT, CUTMIX, MIXUP, UERASER_MAX, ADVERSARIAL = Cutout(), CutMix(), Mixup(), WorstView(), OneStep()
