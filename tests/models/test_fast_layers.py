from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from open_clip import CLIP
from open_clip.modified_resnet import AttentionPool2d, Bottleneck
from timm.layers import Conv2dSame
from torch import nn

from tests.conftest import TINY
from unlearnable.models.fast_layers import (
    Depthwise,
    FirstTokenPool,
    ForkedBottleneck,
    IntegerReLU,
    LeanReLU6,
    MeanOfFour,
    NoPool,
    Patches,
    PlainAttention,
    SamePadded,
    replace_slow,
)

RESNET = {**TINY, "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32}}


def both(config):
    """A model as open_clip builds it, and the same with layers that were replaced."""
    torch.manual_seed(0)
    slow = CLIP(**config).eval()
    with torch.no_grad():  # some weights start at 0, and some gradients with them
        for weights in slow.parameters():
            weights.add_(0.1 * torch.randn_like(weights))
    return slow, replace_slow(copy.deepcopy(slow))


EFFICIENT = {**TINY, "vision_cfg": {"image_size": 32, "timm_model_name": "tf_efficientnet_lite0", "timm_pool": "avg"}}
CONFIGS = pytest.mark.parametrize("config", [TINY, RESNET, EFFICIENT], ids=["transformer", "resnet", "efficientnet"])


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


@CONFIGS
def test_layers_that_were_replaced_compute_the_same(config):
    slow, fast = both(config)
    for expected, found in zip(seen(slow), seen(fast), strict=True):
        assert (found - expected).norm() <= 1e-4 * expected.norm() + 1e-6


@CONFIGS
def test_in_bf16_they_are_as_close_to_fp32_as_the_library_s(config):
    slow, fast = both(config)
    exact = seen(slow)
    errors = [
        [float((found - wanted).norm()) for found, wanted in zip(seen(module, torch.bfloat16), exact, strict=True)]
        for module in (slow, fast)
    ]
    assert sum(errors[1][:3]) < 1.5 * sum(errors[0][:3])  # features and the gradient at the photos
    assert max(errors[1]) < 1.5 * max(errors[0])


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (TINY, {PlainAttention, Patches}),
        (RESNET, {FirstTokenPool, ForkedBottleneck, IntegerReLU, MeanOfFour, NoPool}),
        (EFFICIENT, {SamePadded, LeanReLU6, Depthwise}),
    ],
    ids=["transformer", "resnet", "efficientnet"],
)
def test_each_layer_is_replaced_by_its_own_kind(config, expected):
    slow, fast = both(config)
    assert list(slow.state_dict()) == list(fast.state_dict())
    fast = copy.deepcopy(fast)
    kinds = {type(layer) for layer in fast.modules()}
    assert expected <= kinds
    assert not {nn.MultiheadAttention, AttentionPool2d, Bottleneck, nn.ReLU, nn.ReLU6, Conv2dSame, nn.AvgPool2d} & kinds


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, 3, 2),  # patches that overlap
        nn.Conv2d(3, 4, 2, 2, padding=1),
        nn.Conv2d(4, 4, 2, 2),  # not of a photo
        nn.Conv2d(3, 3, 2, 2, groups=3),
        nn.AvgPool2d(3),
        nn.AvgPool2d(2, 1),
        nn.AvgPool2d(2, padding=1),
    ],
)
def test_other_layers_stay(layer):
    assert type(replaced(layer)) is type(layer)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(5, 17), st.integers(5, 17), st.booleans())
def test_patches_are_those_of_the_convolution(high, wide, height, width, bias):
    convolution = nn.Conv2d(3, 2, (high, wide), (high, wide), bias=bias)
    patches = replaced(copy.deepcopy(convolution))
    photos = torch.rand(2, 3, height, width)
    assert isinstance(patches, Patches)
    assert torch.allclose(convolution(photos), patches(photos), atol=1e-5)


def there_and_back(layer, x):
    """What a layer makes of numbers, and the gradients at them and at its weights for a gradient of its own."""
    x = x.clone().requires_grad_()
    output = layer(x * 1)  # a layer that works in place may not change what a user holds
    gradient = torch.randn(output.shape, generator=torch.Generator().manual_seed(1)).to(output)
    return output.detach(), *torch.autograd.grad(output, [x, *layer.parameters()], gradient)


def same_bits(layer, x):
    """Whether a layer and its equivalent give the same to the last bit, there and back."""
    expected, found = there_and_back(copy.deepcopy(layer), x), there_and_back(replaced(layer), x)
    return all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))


@pytest.mark.parametrize("kind", [nn.ReLU, nn.ReLU6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("inplace", [False, True])
@given(numbers=st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=9))
def test_rectified_numbers_are_the_library_s_to_the_bit(kind, dtype, inplace, numbers):
    edges = [0.0, -0.0, 6.0, 5.99, float("inf"), -float("inf"), 1e-40, -1e-40]
    assert same_bits(kind(inplace=inplace), torch.tensor([*numbers, *edges]).to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("side", [1, 2])
@given(height=st.integers(2, 7), width=st.integers(2, 7))
def test_means_of_places_are_the_library_s_to_the_bit(dtype, side, height, width):
    maps = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert same_bits(nn.AvgPool2d(side), maps)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("groups", [1, 4])
@settings(max_examples=10)  # of 121 sizes, for each of 18 layers
@given(height=st.integers(1, 11), width=st.integers(1, 11))
def test_padding_in_the_kernel_is_padding_of_the_map(stride, kernel, groups, height, width):
    layer = Conv2dSame(4, 4, kernel, stride, groups=groups)
    maps = torch.randn(2, 4, height, width)
    expected, found = there_and_back(copy.deepcopy(layer), maps), there_and_back(replaced(layer), maps)
    for one, other in zip(expected, found, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


@given(height=st.integers(1, 9), width=st.integers(1, 9), photos=st.integers(1, 3), bias=st.booleans())
def test_kernels_of_one_channel_learn_in_parts_as_they_do_whole(height, width, photos, bias):
    layer, maps = nn.Conv2d(6, 6, 5, padding=2, groups=6, bias=bias), torch.randn(photos, 6, height, width)
    fast = replaced(copy.deepcopy(layer))
    assert isinstance(fast, Depthwise)
    for one, other in zip(there_and_back(layer, maps), there_and_back(fast, maps), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_a_block_of_a_resnet_is_the_library_s_to_the_bit():
    for layer in (Bottleneck(8, 2), Bottleneck(8, 4, stride=2)):
        torch.manual_seed(0)
        nn.init.ones_(layer.bn3.weight)
        assert same_bits(layer.train(), torch.randn(2, 8, 6, 6))
        assert same_bits(layer.eval(), torch.randn(2, 8, 6, 6))
