"""Grad-CAM on every kind of photo encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.conftest import CAPTIONS
from tests.explain.conftest import TOWERS, make
from unlearnable.errors import ModelError
from unlearnable.explain.attribution import gradcam, last_map, top_share
from unlearnable.models.tokens import tokenizer

TOKENS = tokenizer()("a dog runs on grass")[0]


def photo(side):
    return torch.rand(3, side, side, generator=torch.Generator().manual_seed(1))


def test_the_last_map_of_every_tower_has_places_and_changes_nothing(tower):
    pixels = photo(tower.image_size)[None]
    before = tower.encode_image(pixels)
    seen = []
    with last_map(tower) as layer:
        hook = layer.register_forward_hook(lambda _, __, output: seen.append(output))
        assert torch.equal(tower.encode_image(pixels), before)
        hook.remove()
    assert seen[-1].dim() == 4
    assert seen[-1].shape[2] * seen[-1].shape[3] > 1
    count = len(seen)
    assert torch.equal(tower.encode_image(pixels), before)
    assert len(seen) == count


def test_heat_maps_cover_the_photo_and_differ_with_the_caption(tower):
    pixels = photo(tower.image_size)
    heats = [gradcam(tower, pixels, tokens) for tokens in tokenizer()(list(CAPTIONS))]
    for heat in heats:
        assert heat.shape == pixels.shape[1:]
        assert heat.min() >= 0
        assert heat.max() in (0.0, pytest.approx(1.0))
    assert len({heat.tobytes() for heat in heats}) > 1
    np.testing.assert_array_equal(heats[0], gradcam(tower, pixels, tokenizer()(CAPTIONS[0])[0]))


@pytest.mark.parametrize("name", ["open_clip ViT", "timm convolutional"])
def test_what_the_model_cannot_see_does_not_change_the_heat(name):
    """A model made to look at one corner: only there do the pixels reach the features."""
    encoder = make(TOWERS[name])
    side = encoder.image_size
    whole = encoder.encode_image

    def corner(pixels):
        mask = torch.zeros(1, 1, side, side)
        mask[..., : side // 2, : side // 2] = 1
        return whole(pixels * mask + 0.5 * (1 - mask))

    encoder.encode_image = corner
    tokens, pixels = TOKENS, photo(side)
    heats = [gradcam(encoder, pixels, tokens)]
    pixels[:, side // 2 :] = 1 - pixels[:, side // 2 :]
    heats.append(gradcam(encoder, pixels, tokens))
    np.testing.assert_array_equal(heats[0], heats[1])


def test_frozen_weights_and_left_over_gradients_do_not_matter(tiny):
    frozen = tiny.clone()
    frozen.module.eval().requires_grad_(False)
    pixels = photo(tiny.image_size)
    np.testing.assert_array_equal(gradcam(frozen, pixels, TOKENS), gradcam(tiny, pixels, TOKENS))
    assert all(parameter.grad is None for parameter in tiny.module.parameters())


def test_a_tower_without_a_known_map_says_so():
    vision = {"timm_model_name": "test_resnet", "timm_pool": "avg", "timm_proj": "linear", "image_size": 64}
    encoder = make(vision)
    encoder.module.visual.trunk.patch_embed = torch.nn.Identity()  # as in Swin, whose maps lie otherwise
    with pytest.raises(ModelError, match="no known feature map"), last_map(encoder):
        pass


def test_the_mass_in_the_hottest_tenth():
    flat, spot = np.ones((10, 10), np.float32), np.zeros((10, 10), np.float32)
    spot[3, 3] = 1
    assert top_share(flat) == pytest.approx(0.1)
    assert top_share(spot) == 1
    assert top_share(np.zeros((10, 10), np.float32)) is None
