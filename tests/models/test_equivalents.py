from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from open_clip import CLIP
from open_clip.modified_resnet import AttentionPool2d
from torch import nn

from tests.conftest import TINY
from unlearnable.models.equivalents import FirstTokenPool, Patches, PlainAttention, replace_slow

RESNET = {**TINY, "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32}}


def both(config):
    """A model as open_clip builds it, and the same with layers that were replaced."""
    torch.manual_seed(0)
    slow = CLIP(**config).eval()
    with torch.no_grad():  # some weights start at 0, and some gradients with them
        for weights in slow.parameters():
            weights.add_(0.1 * torch.randn_like(weights))
    return slow, replace_slow(copy.deepcopy(slow))


def replaced(layer):
    """A layer by itself, replaced if it is slow."""
    return next(replace_slow(nn.Sequential(layer)).children())


def seen(module, dtype=torch.float32):
    """The features of photos and texts, and the gradients at the photos and at all weights."""
    pixels = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    tokens = torch.randint(1, 9, (3, 7), generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        images, texts = module.encode_image(pixels), module.encode_text(F.pad(tokens, (0, 70)))
    wanted = [pixels, *(weights for weights in module.parameters() if weights.ndim)]
    gradients = torch.autograd.grad((images.float() * texts.float()).sum(), wanted, allow_unused=True)
    return [images.detach().float(), texts.detach().float(), *(each for each in gradients if each is not None)]


@pytest.mark.parametrize("config", [TINY, RESNET], ids=["transformer", "resnet"])
def test_layers_that_were_replaced_compute_the_same(config):
    slow, fast = both(config)
    for expected, found in zip(seen(slow), seen(fast), strict=True):
        assert (found - expected).norm() <= 1e-4 * expected.norm() + 1e-6


@pytest.mark.parametrize("config", [TINY, RESNET], ids=["transformer", "resnet"])
def test_in_bf16_they_are_as_close_to_fp32_as_the_library_s(config):
    slow, fast = both(config)
    exact = seen(slow)
    errors = [
        [float((found - wanted).norm()) for found, wanted in zip(seen(module, torch.bfloat16), exact, strict=True)]
        for module in (slow, fast)
    ]
    assert sum(errors[1][:3]) < 1.5 * sum(errors[0][:3])  # features and the gradient at the photos
    assert max(errors[1]) < 1.5 * max(errors[0])


def test_weights_keep_their_names_and_copies_their_layers():
    slow, fast = both(RESNET)
    assert list(slow.state_dict()) == list(fast.state_dict())
    twin = copy.deepcopy(fast)
    assert any(isinstance(layer, FirstTokenPool) for layer in twin.modules())
    assert any(isinstance(layer, PlainAttention) for layer in twin.modules())
    twin.load_state_dict(slow.state_dict())


def test_each_layer_is_replaced_by_its_own_kind():
    _, fast = both(TINY)
    kinds = {type(layer) for layer in fast.modules()}
    assert {PlainAttention, Patches} <= kinds
    assert not {nn.MultiheadAttention, AttentionPool2d} & kinds


@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(3, 4, 3, 2), nn.Conv2d(3, 4, 2, 2, padding=1), nn.Conv2d(4, 4, 2, 2), nn.Conv2d(3, 3, 2, 2, groups=3)],
    ids=["patches that overlap", "a border", "no photo", "groups"],
)
def test_other_convolutions_stay(layer):
    assert type(replaced(layer)) is nn.Conv2d


@given(st.integers(1, 5), st.integers(1, 5), st.integers(5, 17), st.integers(5, 17), st.booleans())
def test_patches_are_those_of_the_convolution(high, wide, height, width, bias):
    convolution = nn.Conv2d(3, 2, (high, wide), (high, wide), bias=bias)
    patches = replaced(copy.deepcopy(convolution))
    photos = torch.rand(2, 3, height, width)
    assert isinstance(patches, Patches)
    assert torch.allclose(convolution(photos), patches(photos), atol=1e-5)


@pytest.mark.parametrize("enabled", [False, True])
def test_attention_gives_its_weights_to_who_wants_them(enabled):
    layer = replaced(nn.MultiheadAttention(8, 2, batch_first=True))
    x, mask = torch.rand(2, 5, 8), torch.full((5, 5), float("-inf")).triu(1)
    with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
        output, weights = layer(x, x, x, need_weights=True, attn_mask=mask)
        alone, none = layer(x, x, x, need_weights=False, attn_mask=mask)
    assert torch.allclose(output.float(), alone.float(), atol=1e-2)
    assert weights.shape == (2, 5, 5)  # the mean of the heads, as the library gives it
    assert none is None
