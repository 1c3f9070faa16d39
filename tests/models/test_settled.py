"""Copies of encoders for steps in which the weights stay: folded, in bf16, with damped gradients."""

from __future__ import annotations

import copy

import pytest
import torch
from open_clip.modified_resnet import Bottleneck
from timm.models._efficientnet_blocks import InvertedResidual
from torch import Tensor, nn

from unlearnable.models.dual_encoder import SHARE, damped, folded
from unlearnable.models.fast_layers import replace_slow
from unlearnable.models.openclip import load


def noise_of(batch: int, side: int) -> Tensor:
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(1)).requires_grad_()


def statistics_of_its_own(encoder: nn.Module) -> None:
    """Give each normalisation mean, variance, weights and bias that are not those it starts with."""
    generator = torch.Generator().manual_seed(2)
    for norm in encoder.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                assert values is not None
                values.data = torch.rand(values.shape, generator=generator) + 0.5


@pytest.mark.parametrize("name", ["small", "conv-small", "resnet-small"])
def test_features_and_gradients_are_the_same_without_the_normalisations(name):
    model = load(name)
    encoder = model.module.get_submodule("visual")
    weights = {name: value.clone() for name, value in encoder.state_dict().items()}
    pixels = noise_of(2, model.image_size)
    before = model.encode_image(pixels)
    back = torch.rand(before.shape, generator=torch.Generator().manual_seed(3))
    (gradient,) = torch.autograd.grad((before * back).sum(), pixels)
    model.settle()
    after = model.encode_image(pixels)
    (settled,) = torch.autograd.grad((after * back).sum(), pixels)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)
    assert torch.cosine_similarity(settled.flatten(), gradient.flatten(), dim=0) > 0.9999
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded(encoder, model.image_size).modules())
    assert all(torch.equal(encoder.state_dict()[name], value) for name, value in weights.items())


@pytest.mark.parametrize("name", ["small", "resnet-small", "vit-small"])
def test_weights_in_bf16_compute_what_they_would_be_converted_for(name):
    model, tokens = load(name), torch.arange(12).view(2, 6) + 1
    pixels = noise_of(2, model.image_size)

    def seen() -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            images, texts = model.encode_image(pixels).float(), model.encode_text(tokens).float()
        return images, texts, torch.autograd.grad(images[:, 0].sum(), pixels)[0]

    model.settle()
    converted = seen()
    model.settle(photos_in_bf16=True, texts_in_bf16=True)
    for before, after in zip(converted, seen(), strict=True):
        torch.testing.assert_close(after, before)
    assert {weights.dtype for weights in model.module.parameters()} == {torch.float32}  # what is trained stays


def test_a_model_that_has_learnt_since_is_settled_anew():
    model = load("resnet-small")
    model.settle()
    pixels = noise_of(1, model.image_size)
    before = model.encode_image(pixels)
    model.learn()
    assert model.module.training
    with torch.no_grad():
        model.module.get_submodule("visual.conv1").weight.mul_(2)  # type: ignore[operator]
    model.settle()
    assert not model.module.training
    after = model.encode_image(pixels)
    assert not torch.allclose(after, before)
    torch.testing.assert_close(after, model.clone().encode_image(pixels), rtol=0, atol=1e-5)


class Forked(nn.Module):
    """An encoder in which a convolution feeds a normalisation and something else."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.normalisation = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, photos: Tensor) -> Tensor:
        seen = self.convolution(photos)
        return (self.normalisation(seen) + seen).mean(dim=(2, 3))


def test_only_what_computes_the_same_is_folded():
    forked = Forked().eval()
    statistics_of_its_own(forked)
    assert folded(forked, 8) is forked
    transformer = load("vit-small").module.get_submodule("visual")
    assert folded(transformer, 96) is damped(transformer) is transformer
    plain = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()).eval()
    statistics_of_its_own(plain)
    other = folded(plain, 8)
    assert other is not plain
    torch.testing.assert_close(other(noise_of(2, 8)), plain(noise_of(2, 8)))


def at(block: nn.Module, maps: Tensor) -> Tensor:
    """The gradient at maps of the sum of what a block makes of them."""
    maps = maps.clone().requires_grad_()
    return torch.autograd.grad(block(maps).sum(), maps)[0]


@pytest.mark.parametrize("kind", ["resnet", "efficientnet"])
def test_a_share_of_the_gradient_comes_back_beside_a_skip_connection(kind):
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
    torch.testing.assert_close(at(copy.deepcopy(damped(block)), maps), 1 + SHARE * beside)
    torch.testing.assert_close(at(block, maps), whole)  # the block itself stays as it was
    without = nn.Sequential(InvertedResidual(8, 16), InvertedResidual(8, 8, stride=2))
    assert damped(without) is without


@pytest.mark.parametrize("name", ["small", "resnet-small"])
def test_features_stay_while_gradients_are_damped(name):
    model = load(name)
    pixels = noise_of(2, model.image_size)

    def seen() -> tuple[Tensor, Tensor]:
        features = model.encode_image(pixels)
        return features.detach(), torch.autograd.grad(features[:, 0].sum(), pixels)[0]

    model.settle()
    features, gradient = seen()
    model.settle(damp=True)
    same, other = seen()
    assert torch.equal(features, same)
    assert 0.2 < torch.cosine_similarity(gradient.flatten(), other.flatten(), dim=0) < 0.99
