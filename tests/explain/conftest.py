"""A tiny model of every kind of photo encoder."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import TINY
from unlearnable.models.dual_encoder import build

TOWERS = {
    "open_clip ViT": TINY["vision_cfg"],
    "ModifiedResNet": {"layers": [1, 1, 1, 1], "width": 8, "image_size": 64, "head_width": 32},
    "timm convolutional": {"timm_model_name": "test_efficientnet", "timm_pool": "avg", "timm_proj": "linear",
                           "image_size": 64},
    "timm ViT": {"timm_model_name": "test_vit", "timm_pool": "", "timm_proj": "linear", "image_size": 160},
}  # fmt: skip


def make(vision):
    torch.manual_seed(2)  # under it every tower finds places that speak for some caption
    encoder = build("tower", {**TINY, "vision_cfg": vision}, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    encoder.module.eval()
    return encoder


@pytest.fixture(params=TOWERS)
def tower(request):
    return make(TOWERS[request.param])
