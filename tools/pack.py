"""Pack a trained model into the wheel, with its description: unlearnable/models/data/NAME.safetensors and NAME.json.

python tools/pack.py small WORK/small.safetensors
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from unlearnable.models import bundled
from unlearnable.models.bundled import LEARNT, REST, SCALE, TABLE, WEIGHT
from unlearnable.models.openclip import load
from unlearnable.storage import files

LIKE_AT_THE_START = 0.999  # cosine of a row that was never trained
LARGE = 2**16  # weights of a matrix that is kept in 8 bits


def pack(state: dict[str, Tensor], start: Tensor) -> dict[str, Tensor]:
    """Shrink a state dict for the wheel: large matrices to int8 with one scale a row, the rest to half precision.

    Rows of the token table that have only become shorter since the `start` of training, by weight decay, are left out.
    """
    table = state[TABLE].float()
    learnt = torch.cosine_similarity(table, start) < LIKE_AT_THE_START
    state = {**state, TABLE: table[learnt]}
    packed = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    if not learnt.all():
        shorter = table[~learnt].norm(dim=1) / start[~learnt].norm(dim=1)
        packed |= {LEARNT: learnt.nonzero()[:, 0].int(), REST: shorter.mean().half()}
    for name, value in state.items():
        if name.endswith(WEIGHT) and value.dim() > 1 and value.numel() >= LARGE:
            rows = value.float().flatten(1)
            scale = rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
            packed[name] = (rows / scale).round().to(torch.int8).view_as(value)
            packed[name.removesuffix(WEIGHT) + SCALE] = scale.half()
    return packed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=bundled.NAMES)
    parser.add_argument("checkpoint", type=Path)
    options = parser.parse_args()
    model, weights = load(str(options.checkpoint)), bundled.path(options.name)
    spec = model.spec
    start = bundled.start_of(spec.name, spec.config, spec.mean, spec.std).token_table.detach()
    packed = pack(model.module.state_dict(), start)
    with files.atomic(weights) as temporary:
        save_file({name: value.contiguous() for name, value in packed.items()}, temporary)
    description = {"config": spec.config, "mean": spec.mean, "std": spec.std, "sha256": files.sha256(weights)}
    files.write_text(bundled.DATA / f"{options.name}.json", json.dumps(description, indent=2) + "\n")
    print(f"{weights}: {weights.stat().st_size / 1e6:.1f} MB, sha256 {description['sha256']}")


if __name__ == "__main__":
    main()
