"""Find the last feature map of a photo tower, which Grad-CAM works on.

In a convolutional tower (CLIP's ModifiedResNet, most of timm's) it is the output of the last module that still has
more than one position. A vision transformer (open_clip's or timm's) has patch tokens instead; they are taken
where they enter the last block, since after it only the class token may matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from unlearnable.errors import ModelError
from unlearnable.models.dual_encoder import DualEncoder


@contextmanager
def last_map(encoder: DualEncoder) -> Iterator[nn.Module]:
    """Yield a module whose output within the block is the last feature map (b, c, h, w).

    Raises:
        ModelError: the tower has neither a feature map nor patch tokens in the usual place.
    """
    tower: Any = encoder.module.visual
    trunk: Any = getattr(tower, "trunk", None)
    if hasattr(tower, "transformer"):
        blocks, grid = tower.transformer.resblocks, tower.grid_size
    elif hasattr(trunk, "patch_embed") and hasattr(trunk, "blocks"):
        blocks, grid = trunk.blocks, trunk.patch_embed.grid_size
    elif hasattr(trunk, "patch_embed"):
        raise ModelError(f"{encoder.name}: its photo tower has no known feature map", hint=_HINT)
    else:
        yield _last_convolution(encoder)
        return
    patches = _Patches(tuple(grid))
    hook = blocks[-1].register_forward_pre_hook(patches.enter)
    try:
        yield patches
    finally:
        hook.remove()


_HINT = "choose a model with a convolutional photo tower or a vision transformer"


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

    tower: Any = encoder.module.visual
    hooks = [module.register_forward_hook(note) for module in tower.modules()]
    try:
        encoder.encode_image(torch.zeros(1, 3, encoder.image_size, encoder.image_size, device=encoder.device))
    finally:
        for hook in hooks:
            hook.remove()
    if not modules:
        raise ModelError(f"{encoder.name}: its photo tower has no feature map", hint=_HINT)
    return modules[-1]
