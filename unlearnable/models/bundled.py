"""The `small` CLIP inside the wheel: weights in half precision, token table in 8 bits, checked by sha256."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnable import files
from unlearnable.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    from unlearnable.models.dual_encoder import DualEncoder

DATA = Path(__file__).parent / "data"
WEIGHTS = DATA / "small.safetensors"
CONFIG = DATA / "small.json"
TABLE = "token_embedding.weight"
SCALE = "token_embedding.scale"
TRUNK = "visual.trunk."


def describe() -> dict[str, Any]:
    """Return the content of small.json: configuration, normalisation and the weights' sha256."""
    description: dict[str, Any] = json.loads(CONFIG.read_text(encoding="utf-8"))
    return description


def pack(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Shrink a state dict for the wheel: the token table to int8 with one scale per row, the rest to half precision."""
    import torch

    packed = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    table = state[TABLE].float()
    scale = table.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
    packed[TABLE] = (table / scale).round().to(torch.int8)
    packed[SCALE] = scale.half()
    return packed


def unpack(packed: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the float32 state dict of one that `pack` shrank."""
    state = {name: value.float() if value.is_floating_point() else value for name, value in packed.items()}
    state[TABLE] = state[TABLE].float() * state.pop(SCALE)
    return state


def load_small() -> DualEncoder:
    """Load the bundled model.

    Raises:
        ModelError: the installed file is missing or not the released one.
    """
    if not WEIGHTS.is_file():
        raise ModelError(f"the bundled model is missing: {WEIGHTS}", hint="reinstall the package")
    description = describe()
    if files.sha256(WEIGHTS) != description["sha256"]:
        raise ModelError(f"{WEIGHTS} is not the released file (its sha256 differs)", hint="reinstall the package")
    from safetensors.torch import load_file

    from unlearnable.models.dual_encoder import build

    encoder = build("small", description["config"], tuple(description["mean"]), tuple(description["std"]))
    encoder.module.load_state_dict(unpack(load_file(WEIGHTS)))
    return encoder


def copy_photo_tower(encoder: DualEncoder) -> DualEncoder:
    """Copy the bundled model's convolutions into `encoder` and return it: ImageNet weights, frozen in its training."""
    state = encoder.module.state_dict()
    trunk = {name: value for name, value in load_small().module.state_dict().items() if name.startswith(TRUNK)}
    encoder.module.load_state_dict({**state, **trunk})
    return encoder
