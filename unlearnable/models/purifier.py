"""The purifier: a small residual U-Net that maps protected photos to clean ones, made against this tool."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearnable.disk import checksums
from unlearnable.errors import ModelError
from unlearnable.models.bundled import DATA

WEIGHTS = DATA / "purifier.safetensors"
CHECKSUM = DATA / "purifier.sha256"
EPSILON = 8  # 1/255: what an output of 1 stands for
WIDTHS = (32, 48, 64)  # channels at a half, a quarter and an eighth of the photo's size
BLOCK = 8  # pixels: both sides are padded to a multiple of it
MARGIN = 8  # pixels that the photo is extended by on every side, so that the network sees no edge


class Purifier(nn.Module):
    """A U-Net of three levels that estimates the noise; its first level stands at half the size (pixel unshuffle).

    Fully convolutional: it takes photos of any size.
    """

    def __init__(self) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.fine = _block(12, first)
        self.middle = _block(first, second)
        self.coarse = _block(second, third)
        self.middle_up = _block(second + third, second)
        self.fine_up = _block(first + second, first)
        self.last = nn.Conv2d(first, 12, 3, padding=1)
        nn.init.zeros_(self.last.weight)  # it begins as the one that changes nothing
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the noise (b, 3, h, w), in units of `EPSILON`, of photos in [0, 1] whose sides `BLOCK` divides."""
        fine = self.fine(F.pixel_unshuffle(pixels - 0.5, 2))
        middle = self.middle(F.avg_pool2d(fine, 2))
        coarse = self.coarse(F.avg_pool2d(middle, 2))
        middle = self.middle_up(torch.cat([middle, _twice(coarse)], dim=1))
        fine = self.fine_up(torch.cat([fine, _twice(middle)], dim=1))
        noise: Tensor = F.pixel_shuffle(self.last(fine), 2)
        return noise

    @torch.no_grad()
    def purify(self, pixels: Tensor) -> Tensor:
        """Return a photo (3, h, w), whole numbers 0-255, without the noise that is seen in it."""
        height, width = pixels.shape[-2:]
        below, right = (MARGIN + -size % BLOCK for size in (height, width))
        photo = F.pad(pixels[None] / 255, (MARGIN, right, MARGIN, below), mode="replicate")
        noise = self(photo)[0, :, MARGIN : MARGIN + height, MARGIN : MARGIN + width]
        clean: Tensor = (pixels - EPSILON * noise).round().clamp(0, 255)
        return clean


def load() -> Purifier:
    """Return the bundled purifier, in evaluation mode.

    Raises:
        ModelError: the installed file is missing or not the released one.
    """
    if not (WEIGHTS.is_file() and CHECKSUM.is_file()):
        raise ModelError(f"the bundled purifier is missing: {WEIGHTS}", hint="reinstall the package")
    if checksums.sha256(WEIGHTS) != CHECKSUM.read_text(encoding="ascii").strip():
        raise ModelError(f"{WEIGHTS} is not the released file (its sha256 differs)", hint="reinstall the package")
    from safetensors.torch import load_file

    purifier = Purifier()
    purifier.load_state_dict({name: value.float() for name, value in load_file(WEIGHTS).items()})
    return purifier.eval().requires_grad_(False)


def _block(inside: int, outside: int) -> nn.Sequential:
    """Return two convolutions of 3 x 3 with their rectifiers."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outside, outside, 3, padding=1),
        nn.ReLU(inplace=True),
    )


def _twice(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2, mode="nearest")
