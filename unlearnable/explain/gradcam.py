"""Grad-CAM: which regions of a photo raise its similarity to a caption.

Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization* (ICCV 2017); the
score is the cosine of photo and caption.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearnable.errors import ModelError
from unlearnable.models.dual_encoder import DualEncoder


def gradcam(encoder: DualEncoder, pixels: Tensor, tokens: Tensor) -> NDArray[np.float32]:
    """Return the saliency map of a photo for a caption.

    Args:
        encoder: model in evaluation mode.
        pixels: (3, s, s) in [0, 1] at the model's image size.
        tokens: (t,) token ids of the caption.

    Returns:
        (s, s), 0 to 1; all 0 if no region raises the score.

    Raises:
        ModelError: the photo encoder has no known feature map.
    """
    from captum import attr

    text = encoder.encode_text(tokens[None].to(encoder.device)).detach()

    def score(batch: Tensor) -> Tensor:
        return (encoder.encode_image(batch) * text).sum(dim=1)

    batch = pixels[None].to(encoder.device).requires_grad_(True)
    with last_map(encoder) as layer:
        coarse = attr.LayerGradCam(score, layer).attribute(batch, relu_attributions=True)
    saliency = attr.LayerAttribution.interpolate(coarse, tuple(pixels.shape[-2:]), "bilinear")
    values: NDArray[np.float32] = saliency[0, 0].detach().float().cpu().numpy()
    highest = float(values.max())
    return values / np.float32(highest) if highest > 0 else values


def top_share(saliency: NDArray[np.float32]) -> float | None:
    """Return the share of the saliency in its highest tenth of pixels, which is 0.1 if it is uniform.

    None if the saliency is 0 everywhere.
    """
    total = float(saliency.sum())
    if total == 0:
        return None
    ranked = np.sort(saliency, axis=None)[::-1]
    return float(ranked[: max(1, round(0.1 * ranked.size))].sum()) / total


@contextmanager
def last_map(encoder: DualEncoder) -> Iterator[nn.Module]:
    """Yield a module whose output within the block is the last feature map (b, c, h, w).

    Raises:
        ModelError: the model has neither a feature map nor patch tokens in the usual place.
    """
    visual: Any = encoder.module.visual
    trunk: Any = getattr(visual, "trunk", None)
    if hasattr(visual, "transformer"):
        blocks, grid = visual.transformer.resblocks, visual.grid_size
    elif hasattr(trunk, "patch_embed") and hasattr(trunk, "blocks"):
        blocks, grid = trunk.blocks, trunk.patch_embed.grid_size
    elif hasattr(trunk, "patch_embed"):
        raise ModelError(f"{encoder.name}: its photo encoder has no known feature map", hint=_HINT)
    else:
        yield _last_convolution(encoder)
        return
    patches = _Patches(tuple(grid))
    hook = blocks[-1].register_forward_pre_hook(patches.enter)
    try:
        yield patches
    finally:
        hook.remove()


_HINT = "choose a model with a convolutional photo encoder or a vision transformer"


class _Patches(nn.Module):
    """Patch tokens (b, rows * columns, d) as a feature map (b, d, rows, columns)."""

    def __init__(self, grid: tuple[int, int]) -> None:
        super().__init__()
        self._grid = grid

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the feature map of these tokens."""
        feature_map: Tensor = tokens.transpose(1, 2).unflatten(2, self._grid)
        return feature_map

    def enter(self, _: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pass the patch tokens that enter a block through this module; class and other tokens stay in front."""
        tokens, *others = arguments
        prefix = tokens.shape[1] - self._grid[0] * self._grid[1]
        patches = self(tokens[:, prefix:]).flatten(2).transpose(1, 2)
        return (torch.cat([tokens[:, :prefix], patches], dim=1), *others)


@torch.no_grad()
def _last_convolution(encoder: DualEncoder) -> nn.Module:
    """Return the last module to finish of those whose output has more than one position, found by a trial run."""
    modules: list[nn.Module] = []

    def note(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1:
            modules.append(module)

    visual: Any = encoder.module.visual
    hooks = [module.register_forward_hook(note) for module in visual.modules()]
    try:
        encoder.encode_image(torch.zeros(1, 3, encoder.image_size, encoder.image_size, device=encoder.device))
    finally:
        for hook in hooks:
            hook.remove()
    if not modules:
        raise ModelError(f"{encoder.name}: its photo encoder has no feature map", hint=_HINT)
    return modules[-1]
