"""Measure how much more several cores compute than one, where each takes steps of its own and none waits for another.

    python tools/bench/cores.py [MODEL ...] [--processes 2] [--photos 64] [--seconds 10]

That is the most that several processes of `protect` can gain. One process takes noise steps, or training steps, of the
photo tower on so many photos, then as many processes as asked for take them on their share each; the ratio is that of
photos in a second, the mean of two turns.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time

import torch
from precision import model_of, seconds

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import in_bf16
from unlearnable.training.loop import kept

TURNS = 2
HEAD = "| model | step | photos a second, one process | all of them | ratio |"
Task = tuple[str, int, bool, float]


def step(model: DualEncoder, photos: int, *, train: bool) -> None:
    """Take two steps."""
    if train:
        model.learn()
    seconds(model, photos, bf16=in_bf16(model, "auto", "photo"), train=train)


def rate(task: Task) -> float:
    """Return the photos a second of one process that takes steps of a model for some time."""
    name, photos, train, duration = task
    torch.set_num_threads(1)
    model = model_of(name)
    model.settle()
    with kept():
        step(model, photos, train=train)
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < duration:
            step(model, photos, train=train)
            done += 2 * photos
        return done / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["small", "resnet-small", "vit-small"])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    print(HEAD, "|---" * 5 + "|", sep="\n")
    kind = "fork" if sys.platform == "linux" else "spawn"  # the former imports torch once
    with multiprocessing.get_context(kind).Pool(options.processes) as pool:
        for name in options.models:
            for train in (False, True):
                alone: Task = (name, options.photos, train, options.seconds)
                shared: Task = (name, options.photos // options.processes, train, options.seconds)
                one, many = [], []
                for _ in range(TURNS):
                    one.append(pool.map(rate, [alone])[0])
                    many.append(sum(pool.map(rate, [shared] * options.processes, chunksize=1)))
                first, all_of_them = statistics.mean(one), statistics.mean(many)
                cells = [name, "training" if train else "noise", f"{first:.0f}", f"{all_of_them:.0f}"]
                print("|", " | ".join([*cells, f"{all_of_them / first:.2f}"]), "|", flush=True)


if __name__ == "__main__":
    main()
