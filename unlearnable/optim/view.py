"""The pixels that a scraper would load from the written file: 8 bits, some resampling kernel, a crop, a flip.

The noise is optimised through this path, so that it fits the file rather than a private
tensor. Gradients pass straight through rounding.
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


def enlarged(noise: Tensor, size: tuple[int, int], mode: Enlargement) -> Tensor:
    """Enlarge a noise grid (c, gh, gw) to a photo's size (h, w), in pixels."""
    if noise.shape[-2:] == size:
        return noise
    options = {"mode": "nearest-exact"} if mode == "nearest" else {"mode": mode, "align_corners": False}
    return F.interpolate(noise[None], size=size, **options)[0]


@torch.no_grad()
def written(pixels: Tensor, added: Tensor) -> Tensor:
    """Return the whole numbers 0-255 that a file holds of pixels (3, h, w) and noise (3, h, w) or (1, h, w)."""
    return (pixels + added).round_().clamp_(0, 255)


def apply_noise(pixels: Tensor, noise: Tensor, mode: Enlargement) -> Tensor:
    """Add a noise grid to a photo as the written file will hold it.

    Args:
        pixels: (3, h, w) float, whole numbers 0-255.
        noise: (3, gh, gw) float in 1/255, or (1, gh, gw) for all channels alike.
        mode: enlarging mode of the grid, "bilinear" or "nearest".

    Returns:
        (3, h, w) float, whole numbers 0-255.
    """
    height, width = pixels.shape[-2:]
    return written(pixels, enlarged(noise, (height, width), mode))


def load_view(pixels: Tensor, side: int, view: View, added: Tensor | None = None) -> Tensor:
    """Load a file's pixels as a training pipeline does.

    Args:
        pixels: (3, h, w) float 0-255.
        side: image size of the model, in pixels.
        view: kernel, crop and flip.
        added: (3, h, w) or (1, h, w) noise that the pixels hold already. Gradients pass to it as if the file had
            nothing rounded and nothing cut off at black or white: noise of one channel is resized as one, which takes
            a third of the time.

    Returns:
        (3, side, side) float in [0, 1].
    """
    part = _resized(pixels, side, view)
    if added is not None:
        moved = _resized(added, side, view)
        part = part + (moved - moved.detach())
    return (part / 255).clamp(0, 1)


def _resized(values: Tensor, side: int, view: View) -> Tensor:
    """Return (c, side, side) of (c, h, w) values: the crop of a view, resized and perhaps mirrored."""
    top, left, tall, wide = view.box(*values.shape[-2:])
    part = values[None, :, top : top + tall, left : left + wide]
    if part.shape[-2:] != (side, side):
        options = {} if view.kernel == "area" else {"antialias": True, "align_corners": False}
        part = F.interpolate(part, size=(side, side), mode=view.kernel, **options)
    return part[0].flip(-1) if view.flip else part[0]
