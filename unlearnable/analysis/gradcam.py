"""Grad-CAM: which places of a photo speak for a caption.

Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization* (ICCV 2017), the
score being the cosine of photo and caption.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.analysis.layers import last_map
from unlearnable.extras import require
from unlearnable.models.dual_encoder import DualEncoder


def gradcam(encoder: DualEncoder, pixels: Tensor, tokens: Tensor) -> NDArray[np.float32]:
    """The heat map of a photo for a caption.

    Args:
        encoder: the model, in evaluation mode.
        pixels: (3, s, s) in [0, 1] at the model's image size.
        tokens: (t,) of the caption.

    Returns:
        (s, s), 0 to 1; all 0 where no place speaks for the caption.

    Raises:
        ConfigError: captum is not installed.
        ModelError: the photo tower has no map of features that is known.
    """
    attr = require("captum.attr", "explain")
    text = encoder.encode_text(tokens[None].to(encoder.device)).detach()

    def score(batch: Tensor) -> Tensor:
        return (encoder.encode_image(batch) * text).sum(dim=1)

    batch = pixels[None].to(encoder.device).requires_grad_(True)
    with last_map(encoder) as layer:
        coarse = attr.LayerGradCam(score, layer).attribute(batch, relu_attributions=True)
    heat = attr.LayerAttribution.interpolate(coarse, tuple(pixels.shape[-2:]), "bilinear")
    values: NDArray[np.float32] = heat[0, 0].detach().float().cpu().numpy()
    most = float(values.max())
    return values / np.float32(most) if most > 0 else values


def salient_mass(heat: NDArray[np.float32], share: float = 0.1) -> float | None:
    """How much of the heat lies in the hottest `share` of the places: `share` itself where it is even.

    None where there is no heat at all.
    """
    total = float(heat.sum())
    if total == 0:
        return None
    ranked = np.sort(heat, axis=None)[::-1]
    return float(ranked[: max(1, round(share * ranked.size))].sum()) / total
