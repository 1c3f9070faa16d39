"""Models that are known by name: those in the wheel, those that a cache may hold, and the rate each is tuned at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnable.errors import ModelError
from unlearnable.models.device import seeded
from unlearnable.settings import SMALL_RATE, SMALL_VIT_RATE, TUNING_RATE
from unlearnable.storage import checksums
from unlearnable.storage.folders import cache_folder

if TYPE_CHECKING:
    from torch import Tensor

    from unlearnable.models.dual_encoder import DualEncoder, Triple


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
    # for benchmarks from scratch: the bundled model's photo encoder with its ImageNet weights; all else is random
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
    """Return whether a configuration is one of these or the bundled model's, which all share the text encoder."""
    return config.get("text_cfg") == _TEXT


def tuning_rate(config: dict[str, Any]) -> float:
    """Return the default learning rate for fine-tuning a model."""
    if not is_small(config):
        return TUNING_RATE
    return SMALL_VIT_RATE if "patch_size" in config["vision_cfg"] else SMALL_RATE


def cached(name: str) -> Path:
    """Return the path of a small architecture's weights, which exists once they are trained."""
    return cache_folder() / "models" / f"{name}.safetensors"


DATA = Path(__file__).parent / "data"
SMALL = "small"
NAMES = (SMALL, "resnet-small", "vit-small", "conv-small")
WEIGHT, SCALE = ".weight", ".scale"
TABLE = "token_embedding.weight"
LEARNT, REST = "token_embedding.learnt", "token_embedding.rest"  # rows that are kept; what decay left of the others
START_SEED, LIKE_AT_THE_START = 0, 0.999  # of the start's random numbers; cosine of a row that was never trained
LARGE = 2**16  # weights of a matrix that is kept in 8 bits
TRUNK = "visual.trunk."


def path(name: str) -> Path:
    """Return the file of a bundled model's weights."""
    return DATA / f"{name}.safetensors"


def describe(name: str) -> dict[str, Any]:
    """Return the configuration, normalisation and sha256 of a bundled model."""
    description: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return description


def intact(name: str) -> bool:
    """Return whether the weights exist and are the released ones."""
    return path(name).is_file() and checksums.sha256(path(name)) == describe(name)["sha256"]


def pack(state: dict[str, Tensor], start: Tensor | None = None) -> dict[str, Tensor]:
    """Shrink a state dict for the wheel: large matrices to int8 with one scale a row, the rest to half precision.

    Args:
        state: weights of a trained model.
        start: its token table before training; rows that have only become shorter since, by weight decay, are left
            out. None if all rows are to be kept.
    """
    import torch

    state, extra = dict(state), {}
    if start is not None:
        table = state[TABLE].float()
        learnt = torch.cosine_similarity(table, start) < LIKE_AT_THE_START
        shorter = table[~learnt].norm(dim=1) / start[~learnt].norm(dim=1)
        state[TABLE] = table[learnt]
        extra = {LEARNT: learnt.nonzero()[:, 0].int(), REST: shorter.mean()}
    packed = {name: value.half() if value.is_floating_point() else value for name, value in {**state, **extra}.items()}
    for name, value in state.items():
        if name.endswith(WEIGHT) and value.dim() > 1 and value.numel() >= LARGE:
            rows = value.float().flatten(1)
            scale = rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
            packed[name] = (rows / scale).round().to(torch.int8).view_as(value)
            packed[_scale_of(name)] = scale.half()
    return packed


def unpack(packed: dict[str, Tensor], start: Tensor) -> dict[str, Tensor]:
    """Return the float32 state dict of one that `pack` shrank, `start` being the token table before training."""
    state = {name: value.float() if value.is_floating_point() else value for name, value in packed.items()}
    for name in [name for name in state if name.endswith(WEIGHT) and _scale_of(name) in state]:
        scale = state.pop(_scale_of(name))
        state[name] = (state[name].float().flatten(1) * scale).view_as(state[name])
    if LEARNT in state:
        table = start * state.pop(REST)
        table[state.pop(LEARNT).long()] = state[TABLE]
        state[TABLE] = table
    return state


def start_of(name: str, config: dict[str, Any], mean: Triple, std: Triple) -> DualEncoder:
    """Build a bundled model with the weights that its training began with."""

    from unlearnable.models.dual_encoder import build

    with seeded(START_SEED):
        return build(name, config, mean, std)


def load(name: str) -> DualEncoder:
    """Load a bundled model.

    Raises:
        ModelError: the installed file is missing or not the released one.
    """
    weights = path(name)
    if not weights.is_file():
        raise ModelError(f"the bundled model is missing: {weights}", hint="reinstall the package")
    if not intact(name):
        raise ModelError(f"{weights} is not the released file (its sha256 differs)", hint="reinstall the package")
    from safetensors.torch import load_file

    description = describe(name)
    encoder = start_of(name, description["config"], tuple(description["mean"]), tuple(description["std"]))
    encoder.module.load_state_dict(unpack(load_file(weights), encoder.token_table.detach().clone()))
    return encoder


def copy_photo_encoder(encoder: DualEncoder) -> DualEncoder:
    """Copy `small`'s convolutions into `encoder` and return it: ImageNet weights, frozen in `small`'s training."""
    state = encoder.module.state_dict()
    trunk = {name: value for name, value in load(SMALL).module.state_dict().items() if name.startswith(TRUNK)}
    encoder.module.load_state_dict({**state, **trunk})
    return encoder


def _scale_of(name: str) -> str:
    return name.removesuffix(WEIGHT) + SCALE
