"""The pixels that a scraper would load from the written file: 8 bits, some resampling kernel, a crop, a flip.

The noise is optimised through this path, so that it fits the file rather than a private
tensor. Gradients pass straight through rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

KERNELS = ("bicubic", "bilinear", "area")
LARGEST = 1 << 20  # values of a matrix that enlarges noise


@dataclass(frozen=True)
class View:
    """One way to load a photo: kernel, crop and flip."""

    kernel: str  # one of `KERNELS`
    share: float  # area of the crop, as a share of the largest crop of its shape
    stretch: float  # factor on the crop's width / height; 0 makes the crop a square
    top: float  # position of the crop, 0 (top) to 1 (bottom)
    left: float  # position of the crop, 0 (left) to 1 (right)
    flip: bool  # whether the photo is mirrored left to right

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


def apply_noise(pixels: Tensor, noise: Tensor) -> Tensor:
    """Return a photo (3, h, w) with its noise as the written file will hold it, without gradients.

    Args:
        pixels: (3, h, w) float, whole numbers 0-255.
        noise: (3, gh, gw) float in 1/255, or (1, gh, gw) for all channels alike.
    """
    height, width = pixels.shape[-2:]
    with torch.no_grad():
        return (pixels + _enlarged(noise, (height, width))).round_().clamp_(0, 255)


def load_view(pixels: Tensor, side: int, view: View) -> Tensor:
    """Load a file's pixels (3, h, w), 0-255, as a training pipeline does: (3, side, side) in [0, 1]."""
    return (_seen(pixels, side, view) / 255).clamp(0, 1)


def load_protected(pixels: Tensor, noise: Tensor, side: int, view: View) -> Tensor:
    """Load a photo as `load_view` does the file that holds it with its noise, with gradients to the noise.

    They pass to it as if nothing were rounded, in the file, and nothing cut off at black or white, there and when it is
    resized, where rounding alone takes half of a white place beyond white. Enlarging, cropping and resizing are then
    one matrix a side, by which the gradient is multiplied; of very long photos these would be large.
    """
    height, width = pixels.shape[-2:]
    seen = load_view(apply_noise(pixels, noise), side, view)
    if max(height * noise.shape[-2], width * noise.shape[-1]) > LARGEST:
        moved = _seen(_enlarged(noise, (height, width)), side, view)
        return seen + (moved - moved.detach()) / 255
    top, left, tall, wide = view.box(height, width)
    down, across = _enlarging(noise.shape[-2], height), _enlarging(noise.shape[-1], width)
    down = _resized(down[None, top : top + tall], (side, down.shape[1]), view.kernel)
    across = _resized(across[None, left : left + wide], (side, across.shape[1]), view.kernel)
    moved = down @ noise @ (across.flip(1) if view.flip else across).mT
    return seen + (moved - moved.detach()) / 255


def _seen(pixels: Tensor, side: int, view: View) -> Tensor:
    """Return (3, side, side) of pixels (3, h, w): the crop of a view, resized and perhaps mirrored."""
    top, left, tall, wide = view.box(*pixels.shape[-2:])
    part = _resized(pixels[:, top : top + tall, left : left + wide], (side, side), view.kernel)
    return part.flip(-1) if view.flip else part


def _enlarged(noise: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge a noise grid (c, gh, gw) to a photo's size (h, w), in pixels."""
    if noise.shape[-2:] == size:
        return noise
    return F.interpolate(noise[None], size=size, mode="bilinear", align_corners=False)[0]


def _resized(values: Tensor, size: tuple[int, int], kernel: str) -> Tensor:
    """Return (c, *size) of (c, h, w) values."""
    if values.shape[-2:] == size:
        return values
    options = {} if kernel == "area" else {"antialias": True, "align_corners": False}
    return F.interpolate(values[None], size=size, mode=kernel, **options)[0]


@lru_cache(maxsize=32)
def _enlarging(cells: int, size: int) -> Tensor:
    """Return the matrix (size, cells) that enlarges so many cells in a line to so many pixels."""
    return _enlarged(torch.eye(cells)[None], (size, cells))[0]
