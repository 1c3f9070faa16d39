"""Models that are known by name: those in the wheel, those that a cache may hold, and the rate each is tuned at."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnable.errors import ModelError
from unlearnable.models.device import seeded
from unlearnable.settings import SMALL_RATE, SMALL_VIT_RATE, TUNING_RATE
from unlearnable.storage import files
from unlearnable.storage.folders import cache_folder

if TYPE_CHECKING:
    from torch import Tensor

    from unlearnable.models.dual_encoder import DualEncoder, Triple


DATA = Path(__file__).parent / "data"
SMALL, START = "small", "small-start"
NAMES = (SMALL, "resnet-small", "vit-small", "conv-small")
HALF = (0.5, 0.5, 0.5)
OPEN_CLIP_CONFIG, TRANSFORMERS_CONFIG = "open_clip_config.json", "config.json"
TABLE = "token_embedding.weight"
LEARNT, REST = "token_embedding.learnt", "token_embedding.rest"  # rows that are kept; what decay left of the others
WEIGHT, SCALE = ".weight", ".scale"
_START_SEED = 0  # of the random weights that the training of a bundled model began with
_TEXT = {"context_length": 77, "vocab_size": 49408, "width": 192, "heads": 6, "layers": 4}


def _timm(name: str, side: int) -> dict[str, Any]:
    return {"timm_model_name": name, "timm_pool": "avg", "timm_proj": "linear", "image_size": side}


def _small(vision: dict[str, Any]) -> dict[str, Any]:
    return {"embed_dim": 256, "vision_cfg": vision, "text_cfg": _TEXT}


ARCHITECTURES: dict[str, dict[str, Any]] = {
    "conv-small": _small(_timm("tf_efficientnet_lite1", 112)),  # the bundled model's kind, one size larger
    "resnet-small": _small({"layers": [1, 1, 1, 1], "width": 32, "image_size": 80, "head_width": 64}),
    "vit-small": _small({"layers": 6, "width": 192, "patch_size": 16, "image_size": 96, "head_width": 64}),
    # for benchmarks from scratch: the bundled model's photo encoder with its ImageNet weights; all else is random
    START: {
        "embed_dim": 128,
        "vision_cfg": _timm("tf_efficientnet_lite0", 64),
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 2},
    },
}


def tuning_rate(config: dict[str, Any]) -> float:
    """Return the default learning rate for fine-tuning a model; the small ones share a text encoder."""
    if config.get("text_cfg") != _TEXT:
        return TUNING_RATE
    return SMALL_VIT_RATE if "patch_size" in config["vision_cfg"] else SMALL_RATE


def cached(name: str) -> Path:
    """Return the path of a small architecture's weights, which exists once they are trained."""
    return cache_folder() / "models" / f"{name}.safetensors"


def path(name: str) -> Path:
    """Return the file of a bundled model's weights."""
    return DATA / f"{name}.safetensors"


def describe(name: str) -> dict[str, Any]:
    """Return the configuration, normalisation and sha256 of a bundled model."""
    description: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return description


def intact(name: str) -> bool:
    """Return whether the weights exist and are the released ones."""
    return path(name).is_file() and files.sha256(path(name)) == describe(name)["sha256"]


def files_of(name: str) -> Iterator[Path]:
    """Yield the files of a model that is given by its path, alone or behind its architecture; none of any other."""
    for path in (Path(name), Path(name.partition(":")[2] or "/")):
        if path.is_file():
            yield path
        elif any((path / config).is_file() for config in (OPEN_CLIP_CONFIG, TRANSFORMERS_CONFIG)):
            yield from sorted(filter(Path.is_file, path.iterdir()))


def load(name: str) -> "DualEncoder":
    """Load a bundled model, from the released file alone."""
    if not intact(name):
        raise ModelError(f"{path(name)} is missing or not the released file", hint="reinstall the package")
    from safetensors.torch import load_file

    description = describe(name)
    encoder = start_of(name, description["config"], tuple(description["mean"]), tuple(description["std"]))
    encoder.module.load_state_dict(unpack(load_file(path(name)), encoder.token_table.detach().clone()))
    return encoder


def start_of(name: str, config: dict[str, Any], mean: "Triple", std: "Triple") -> "DualEncoder":
    """Build a bundled model with the weights that its training began with."""
    from unlearnable.models.dual_encoder import build

    with seeded(_START_SEED):
        return build(name, config, mean, std)


def unpack(packed: "dict[str, Tensor]", start: "Tensor") -> "dict[str, Tensor]":
    """Return the float32 state dict of one that `tools/pack.py` shrank; `start` is the token table before training."""
    state = {name: value.float() if value.is_floating_point() else value for name, value in packed.items()}
    for scales in [name for name in state if name.endswith(SCALE)]:
        name, scale = scales.removesuffix(SCALE) + WEIGHT, state.pop(scales)
        state[name] = (state[name].float().flatten(1) * scale).view_as(state[name])
    if LEARNT in state:
        table = start * state.pop(REST)
        table[state.pop(LEARNT).long()] = state[TABLE]
        state[TABLE] = table
    return state


def copy_photo_encoder(encoder: "DualEncoder") -> "DualEncoder":
    """Copy `small`'s convolutions into `encoder` and return it: ImageNet weights, frozen in `small`'s training."""
    trunk = {name: value for name, value in load(SMALL).module.state_dict().items() if name.startswith("visual.trunk.")}
    encoder.module.load_state_dict({**encoder.module.state_dict(), **trunk})
    return encoder
