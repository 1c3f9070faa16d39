"""Pack trained weights into the wheel: unlearnable/models/data/small.safetensors and small.json.

python tools/small/pack.py WORK/small.pt
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from train import CONFIG, HALF

from unlearnable import files
from unlearnable.models import bundled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    weights: Path = parser.parse_args().weights
    state = torch.load(weights)
    with files.atomic(bundled.WEIGHTS) as temporary:
        save_file({name: value.contiguous() for name, value in bundled.pack(state).items()}, temporary)
    description = {"config": CONFIG, "mean": HALF, "std": HALF, "sha256": files.sha256(bundled.WEIGHTS)}
    files.write_text(bundled.CONFIG, json.dumps(description, indent=2) + "\n")
    print(f"{bundled.WEIGHTS}: {bundled.WEIGHTS.stat().st_size / 1e6:.1f} MB, sha256 {description['sha256']}")


if __name__ == "__main__":
    main()
