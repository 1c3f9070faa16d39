from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from unlearnable.models.dual_encoder import folded
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
    pixels = noise_of(2, model.image_size)
    before = model.encode_image(pixels)
    back = torch.rand(before.shape, generator=torch.Generator().manual_seed(3))
    (gradient,) = torch.autograd.grad((before * back).sum(), pixels)
    model.settle()
    after = model.encode_image(pixels)
    (settled,) = torch.autograd.grad((after * back).sum(), pixels)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)
    assert torch.cosine_similarity(settled.flatten(), gradient.flatten(), dim=0) > 0.9999
    encoder = folded(model.module.get_submodule("visual"), model.image_size)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in encoder.modules())


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


def test_a_tower_stays_as_it_is():
    encoder = load("small").module.get_submodule("visual")
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    other = folded(encoder, 112)
    assert other is not encoder
    after = encoder.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_tower_without_batch_normalisation_is_not_copied():
    encoder = load("vit-small").module.get_submodule("visual")
    assert folded(encoder, 96) is encoder


class Forked(nn.Module):
    """A encoder in which a convolution feeds a normalisation and something else."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.normalisation = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, photos: Tensor) -> Tensor:
        seen = self.convolution(photos)
        return (self.normalisation(seen) + seen).mean(dim=(2, 3))


def test_what_would_compute_something_else_is_not_folded():
    encoder = Forked().eval()
    statistics_of_its_own(encoder)
    assert folded(encoder, 8) is encoder


def test_a_plain_convolution_takes_the_normalisation_in():
    encoder = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()).eval()
    statistics_of_its_own(encoder)
    photos = noise_of(2, 8)
    other = folded(encoder, 8)
    assert other is not encoder
    torch.testing.assert_close(other(photos), encoder(photos))
