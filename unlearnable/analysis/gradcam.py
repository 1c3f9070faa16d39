"""Grad-CAM: which regions of a photo raise its similarity to a caption.

Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization* (ICCV 2017); the
score is the cosine of photo and caption.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.analysis.layers import last_map
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
        ModelError: the photo tower has no known feature map.
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
