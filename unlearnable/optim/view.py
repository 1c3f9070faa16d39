"""What a scraper would load from the written file: 8-bit pixels, some resampling kernel, a crop, a flip.

The noise is optimised through this path, so that it is made for the file and not for a
private tensor. Rounding passes gradients straight through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

KERNELS = ("bicubic", "bilinear", "area")


@dataclass(frozen=True)
class View:
    """One way to load a photo.

    Attributes:
        kernel: the resampling kernel, one of `KERNELS`.
        share: area of the crop, as a share of the largest one of its shape.
        stretch: factor on the crop's width / height; 0 asks for a plain square.
        top: where the crop lies, 0 (top) to 1 (bottom).
        left: where the crop lies, 0 (left) to 1 (right).
        flip: mirrored left to right.
    """

    kernel: str
    share: float
    stretch: float
    top: float
    left: float
    flip: bool

    def box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Top, left, height and width of the crop in a photo of that size."""
        shape = min(max(width / height, 3 / 4), 4 / 3) * self.stretch if self.stretch else 1.0
        edge = self.share**0.5 * min(height, width / shape)
        tall, wide = max(1, min(height, round(edge))), max(1, min(width, round(edge * shape)))
        return round(self.top * (height - tall)), round(self.left * (width - wide)), tall, wide


PLAIN_VIEW = View("bicubic", 1.0, 0.0, 0.5, 0.5, False)


def sample_view(generator: torch.Generator, smallest: float, kernels: Sequence[str] = KERNELS) -> View:
    """Draw a kernel, a crop of `smallest` to 1 of the area at any place, its shape near the photo's, and a flip."""
    kernel, share, stretch, top, left, flip = torch.rand(6, generator=generator, dtype=torch.float64).tolist()
    return View(
        kernels[int(kernel * len(kernels))],
        smallest + (1 - smallest) * share,
        0.9 ** (1 - 2 * stretch),
        top,
        left,
        flip < 0.5,
    )


def apply_noise(pixels: Tensor, noise: Tensor, mode: str) -> Tensor:
    """Lay a noise grid over a photo as the written file will hold it.

    Args:
        pixels: (3, h, w) float, whole numbers 0-255.
        noise: (3, gh, gw) float in 1/255; gradients go through.
        mode: how the grid is enlarged, "bilinear" or "nearest".

    Returns:
        (3, h, w) float, whole numbers 0-255.
    """
    if noise.shape != pixels.shape:
        how = {"mode": "nearest-exact"} if mode == "nearest" else {"mode": mode, "align_corners": False}
        noise = F.interpolate(noise[None], size=pixels.shape[-2:], **how)[0]
    total = pixels + noise
    return (total + (total.round() - total).detach()).clamp(0, 255)


def load_view(pixels: Tensor, side: int, how: View) -> Tensor:
    """Load a file's pixels as a training pipeline does.

    Args:
        pixels: (3, h, w) float 0-255.
        side: the model's image size.
        how: kernel, crop and flip.

    Returns:
        (3, side, side) float in [0, 1].
    """
    top, left, tall, wide = how.box(*pixels.shape[-2:])
    part = pixels[None, :, top : top + tall, left : left + wide]
    if part.shape[-2:] != (side, side):
        options = {} if how.kernel == "area" else {"antialias": True, "align_corners": False}
        part = F.interpolate(part, size=(side, side), mode=how.kernel, **options)
    if how.flip:
        part = part.flip(-1)
    return (part[0] / 255).clamp(0, 1)
