"""The pixels that a scraper would load from the written file: 8 bits, some resampling kernel, a crop, a flip.

The noise is optimised through this path, so that it fits the file rather than a private
tensor. Rounding passes gradients straight through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from unlearnable.config import Enlargement

KERNELS = ("bicubic", "bilinear", "area")


@dataclass(frozen=True)
class View:
    """One way to load a photo.

    Attributes:
        kernel: resampling kernel, one of `KERNELS`.
        share: area of the crop, as a share of the largest crop of its shape.
        stretch: factor on the crop's width / height; 0 makes the crop a square.
        top: position of the crop, 0 (top) to 1 (bottom).
        left: position of the crop, 0 (left) to 1 (right).
        flip: whether the photo is mirrored left to right.
    """

    kernel: str
    share: float
    stretch: float
    top: float
    left: float
    flip: bool

    def box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Return top, left, height and width of the crop in a photo of that size, in pixels."""
        shape = min(max(width / height, 3 / 4), 4 / 3) * self.stretch if self.stretch else 1.0
        edge = self.share**0.5 * min(height, width / shape)
        tall, wide = max(1, min(height, round(edge))), max(1, min(width, round(edge * shape)))
        return round(self.top * (height - tall)), round(self.left * (width - wide)), tall, wide


PLAIN_VIEW = View("bicubic", 1.0, 0.0, 0.5, 0.5, False)


def sample_view(generator: torch.Generator, smallest: float, kernels: Sequence[str] = KERNELS) -> View:
    """Sample a kernel, a flip, and a crop of `smallest` to 1 of the area, anywhere and close to the photo's shape."""
    kernel, share, stretch, top, left, flip = torch.rand(6, generator=generator, dtype=torch.float64).tolist()
    return View(
        kernels[int(kernel * len(kernels))],
        smallest + (1 - smallest) * share,
        0.9 ** (1 - 2 * stretch),
        top,
        left,
        flip < 0.5,
    )


def apply_noise(pixels: Tensor, noise: Tensor, mode: Enlargement) -> Tensor:
    """Add a noise grid to a photo as the written file will hold it.

    Args:
        pixels: (3, h, w) float, whole numbers 0-255.
        noise: (3, gh, gw) float in 1/255, or (1, gh, gw) for all channels alike; gradients pass through.
        mode: enlarging mode of the grid, "bilinear" or "nearest".

    Returns:
        (3, h, w) float, whole numbers 0-255.
    """
    if noise.shape[-2:] != pixels.shape[-2:]:
        options = {"mode": "nearest-exact"} if mode == "nearest" else {"mode": mode, "align_corners": False}
        noise = F.interpolate(noise[None], size=pixels.shape[-2:], **options)[0]
    total = pixels + noise
    return (total + (total.round() - total).detach()).clamp(0, 255)


def load_view(pixels: Tensor, side: int, view: View) -> Tensor:
    """Load a file's pixels as a training pipeline does.

    Args:
        pixels: (3, h, w) float 0-255.
        side: image size of the model, in pixels.
        view: kernel, crop and flip.

    Returns:
        (3, side, side) float in [0, 1].
    """
    top, left, tall, wide = view.box(*pixels.shape[-2:])
    part = pixels[None, :, top : top + tall, left : left + wide]
    if part.shape[-2:] != (side, side):
        options = {} if view.kernel == "area" else {"antialias": True, "align_corners": False}
        part = F.interpolate(part, size=(side, side), mode=view.kernel, **options)
    if view.flip:
        part = part.flip(-1)
    return (part[0] / 255).clamp(0, 1)
