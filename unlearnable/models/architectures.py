"""Small CLIPs of three families that two cores can train: `conv-small`, `resnet-small`, `vit-small`, `small-start`.

`unlearnable train` trains them (docs/experiments/victims.md has the commands). All but the last are bundled; weights of
that one, if there are any, lie in the user's cache folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unlearnable.config import SMALL_RATE, SMALL_VIT_RATE, TUNING_RATE
from unlearnable.disk.folders import cache_folder

START = "small-start"
HALF = (0.5, 0.5, 0.5)
_TEXT = {"context_length": 77, "vocab_size": 49408, "width": 192, "heads": 6, "layers": 4}


def _small(vision: dict[str, Any]) -> dict[str, Any]:
    return {"embed_dim": 256, "vision_cfg": vision, "text_cfg": _TEXT}


ARCHITECTURES: dict[str, dict[str, Any]] = {
    # a convolutional net of the bundled model's kind, one size larger
    "conv-small": _small(
        {
            "timm_model_name": "tf_efficientnet_lite1",
            "timm_pool": "avg",
            "timm_proj": "linear",
            "image_size": 112,
        }
    ),
    # CLIP's ModifiedResNet
    "resnet-small": _small({"layers": [1, 1, 1, 1], "width": 32, "image_size": 80, "head_width": 64}),
    "vit-small": _small({"layers": 6, "width": 192, "patch_size": 16, "image_size": 96, "head_width": 64}),
    # for benchmarks from scratch: the bundled model's photo tower with its ImageNet weights; all else is random
    START: {
        "embed_dim": 128,
        "vision_cfg": {
            "timm_model_name": "tf_efficientnet_lite0",
            "timm_pool": "avg",
            "timm_proj": "linear",
            "image_size": 64,
        },
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 2},
    },
}


def is_small(config: dict[str, Any]) -> bool:
    """Return whether a configuration is one of these or the bundled model's, which all share the text tower."""
    return config.get("text_cfg") == _TEXT


def tuning_rate(config: dict[str, Any]) -> float:
    """Return the default learning rate for fine-tuning a model."""
    if not is_small(config):
        return TUNING_RATE
    return SMALL_VIT_RATE if "patch_size" in config["vision_cfg"] else SMALL_RATE


def cached(name: str) -> Path:
    """Return the path of a small architecture's weights, which exists once they are trained."""
    return cache_folder() / "models" / f"{name}.safetensors"
