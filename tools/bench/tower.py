"""Time a training step and a noise step of the bundled model's photo tower, with and without channels-last order.

python tools/bench/tower.py [--photos 64] [--threads 2]
"""

from __future__ import annotations

import argparse
import time

import torch

from unlearnable.models.openclip import load


def seconds(module: torch.nn.Module, photos: int, layout: torch.memory_format, *, train: bool) -> float:
    """Return the seconds per photo of the fastest of four forward and backward passes."""
    module.to(memory_format=layout)
    module.train(train).requires_grad_(train)
    pixels = torch.rand(photos, 3, 112, 112).contiguous(memory_format=layout).requires_grad_(not train)
    times = []
    for _ in range(4):
        begun = time.perf_counter()
        module(pixels).sum().backward()
        times.append(time.perf_counter() - begun)
    return min(times) / photos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tower = load("small").module.visual
    for name, layout in (("contiguous", torch.contiguous_format), ("channels-last", torch.channels_last)) * 2:
        train, noise = (1000 * seconds(tower, arguments.photos, layout, train=t) for t in (True, False))
        print(f"{name:14} training step {train:5.1f} ms per photo, noise step {noise:5.1f} ms per photo")


if __name__ == "__main__":
    main()
