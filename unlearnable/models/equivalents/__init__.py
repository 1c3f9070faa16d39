"""Layers that compute what open_clip's and timm's compute, in less time on a CPU.

Each takes the place of a layer by its class alone, so that the names of weights and copies of models stay as they are.
"""

from __future__ import annotations

from open_clip.modified_resnet import AttentionPool2d, Bottleneck
from timm.layers import Conv2dSame
from torch import nn

from unlearnable.models.equivalents.activations import IntegerReLU, LeanReLU6
from unlearnable.models.equivalents.attention import FirstTokenPool, PlainAttention
from unlearnable.models.equivalents.convolutions import Patches, SamePadded, cuts_patches
from unlearnable.models.equivalents.depthwise import Depthwise, is_depthwise
from unlearnable.models.equivalents.residual import ForkedBottleneck, pool_of

CLASSES: dict[type[nn.Module], type[nn.Module]] = {
    nn.MultiheadAttention: PlainAttention,
    AttentionPool2d: FirstTokenPool,
    Bottleneck: ForkedBottleneck,
    Conv2dSame: SamePadded,
    nn.ReLU: IntegerReLU,
    nn.ReLU6: LeanReLU6,
}


def replace_slow(module: nn.Module) -> nn.Module:
    """Give the layers of a model that are slow on a CPU the classes of this package, and return the model."""
    for layer in module.modules():
        layer.__class__ = equivalent(layer)
    return module


def equivalent(layer: nn.Module) -> type[nn.Module]:
    """Return the class that computes the same as a layer in less time, or the layer's own."""
    kind = type(layer)
    if isinstance(layer, nn.Conv2d) and kind is nn.Conv2d:
        return Patches if cuts_patches(layer) else Depthwise if is_depthwise(layer) else kind
    if isinstance(layer, nn.AvgPool2d) and kind is nn.AvgPool2d:
        return pool_of(layer)
    return CLASSES.get(kind, kind)
