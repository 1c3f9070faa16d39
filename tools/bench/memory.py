"""Time steps of the photo towers that keep the memory of tensors against steps that give it back, in turns.

python tools/bench/memory.py [MODEL ...] [--photos 64] [--rounds 4] [--threads 1]
"""

from __future__ import annotations

import argparse

import torch
from precision import in_turns, model_of, seconds

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import in_bf16
from unlearnable.training.memory import kept

HEAD = "| model | step | ms a photo | memory kept | times as fast |"


def compare(model: DualEncoder, photos: int, rounds: int, *, train: bool) -> list[str]:
    """Return the cells of a kind of step: median milliseconds both ways, and the median ratio of a turn."""
    bf16, turns = in_bf16(model, "auto", "photo"), []
    for _ in range(rounds):
        plain = seconds(model, photos, bf16=bf16, train=train)
        with kept():
            turns.append((plain, seconds(model, photos, bf16=bf16, train=train)))
    return in_turns(turns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["small", "resnet-small", "vit-small"])
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(HEAD, "|---" * 5 + "|", sep="\n")
    for name in options.models:
        model = model_of(name)
        for train in (False, True):
            cells = compare(model, options.photos, options.rounds, train=train)
            print("|", " | ".join([name, "training" if train else "noise", *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
