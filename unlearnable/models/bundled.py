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
    """The content of small.json: configuration, normalisation and the weights' sha256."""
    description: dict[str, Any] = json.loads(CONFIG.read_text(encoding="utf-8"))
    return description


def pack(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Shrink a state dict for the wheel: the token table to int8 with one scale a row, the rest to half precision."""
    import torch

    packed = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    table = state[TABLE].float()
    scale = table.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
    packed[TABLE] = (table / scale).round().to(torch.int8)
    packed[SCALE] = scale.half()
    return packed


def unpack(packed: dict[str, Tensor]) -> dict[str, Tensor]:
    """The float32 state dict of what `pack` made."""
    state = {name: value.float() if value.is_floating_point() else value for name, value in packed.items()}
    state[TABLE] = state[TABLE].float() * state.pop(SCALE)
    return state


def load_small() -> DualEncoder:
    """The bundled model, ready to use.

    Raises:
        ModelError: the file in the installation is missing or not the released one.
    """
    if not WEIGHTS.is_file():
        raise ModelError(f"the bundled model is missing: {WEIGHTS}", hint="install the package again")
    description = describe()
    if files.sha256(WEIGHTS) != description["sha256"]:
        raise ModelError(f"{WEIGHTS} is not the released file (sha256 differs)", hint="install the package again")
    from safetensors.torch import load_file

    from unlearnable.models.dual_encoder import build

    encoder = build("small", description["config"], tuple(description["mean"]), tuple(description["std"]))
    encoder.module.load_state_dict(unpack(load_file(WEIGHTS)))
    return encoder


def lend_photo_tower(encoder: DualEncoder) -> DualEncoder:
    """Give `encoder` the bundled model's convolutions, which were frozen while it was trained: ImageNet's weights."""
    own = encoder.module.state_dict()
    lent = {name: value for name, value in load_small().module.state_dict().items() if name.startswith(TRUNK)}
    encoder.module.load_state_dict({**own, **lent})
    return encoder
