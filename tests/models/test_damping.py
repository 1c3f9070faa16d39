from __future__ import annotations

import copy

import pytest
import torch
from open_clip.modified_resnet import Bottleneck
from timm.models._efficientnet_blocks import InvertedResidual
from torch import Tensor, nn

from unlearnable.models.dual_encoder import SHARE, damped
from unlearnable.models.fast_layers import replace_slow
from unlearnable.models.openclip import load


def at(block: nn.Module, maps: Tensor) -> Tensor:
    """The gradient at maps of the sum of what a block makes of them."""
    maps = maps.clone().requires_grad_()
    return torch.autograd.grad(block(maps).sum(), maps)[0]


@pytest.mark.parametrize("kind", ["resnet", "efficientnet"])
def test_what_comes_back_beside_a_skip_connection_is_a_share(kind):
    with torch.random.fork_rng():
        torch.manual_seed(0)  # of other weights too little may come back to tell a share of it
        block = Bottleneck(8, 2) if kind == "resnet" else InvertedResidual(8, 8, act_layer=nn.ReLU)
    block = replace_slow(nn.Sequential(block.eval()))
    maps = 9 + torch.rand(2, 8, 6, 6, generator=torch.Generator().manual_seed(0))  # so large that no sum is below 0
    for norm in block.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.constant_(norm.weight, 0.7)
            nn.init.constant_(norm.bias, 3.0)  # so that nothing is cut off inside either
    whole = at(block, maps)
    beside = whole - 1  # the skip connection hands on the gradient as it is
    assert beside.abs().mean() > 1e-3
    torch.testing.assert_close(at(damped(block), maps), 1 + SHARE * beside)
    torch.testing.assert_close(at(block, maps), whole)  # the block itself stays as it was


def test_a_block_without_a_skip_connection_stays():
    blocks = nn.Sequential(InvertedResidual(8, 16), InvertedResidual(8, 8, stride=2))
    assert damped(blocks) is blocks


@pytest.mark.parametrize("name", ["small", "conv-small", "resnet-small"])
def test_features_stay_while_gradients_are_damped(name):
    model = load(name)
    pixels = torch.rand(2, 3, model.image_size, model.image_size, generator=torch.Generator().manual_seed(0))
    pixels.requires_grad_()

    def seen() -> tuple[Tensor, Tensor]:
        features = model.encode_image(pixels)
        return features.detach(), torch.autograd.grad(features[:, 0].sum(), pixels)[0]

    model.settle()
    features, gradient = seen()
    model.settle(damp=True)
    same, other = seen()
    assert torch.equal(features, same)
    assert 0.2 < torch.cosine_similarity(gradient.flatten(), other.flatten(), dim=0) < 0.99
    model.settle()
    assert torch.equal(seen()[1], gradient)


def test_a_transformer_is_not_damped():
    encoder = load("vit-small").module.get_submodule("visual")
    assert damped(encoder) is encoder


def test_a_copy_is_damped_as_its_original():
    encoder = damped(load("resnet-small").module.get_submodule("visual").eval())
    maps = torch.rand(1, 3, 80, 80)
    torch.testing.assert_close(at(copy.deepcopy(encoder), maps), at(encoder, maps))
