"""Measure how many times as fast bf16 is in each encoder, in one run.

python tools/bench/precision.py [MODEL ...] [--photos 64] [--threads 2]

MODEL is a name that `protect --surrogate` takes, or one of open_clip's architectures, which gets random weights. A
noise step goes back to the photos, and reads texts without going back; a training step goes back to the weights. What
`--precision auto` would choose is in the last column: it measures a training step of 16 photos or 32 texts once and
remembers it.
"""

from __future__ import annotations

import argparse
import statistics
import time

import open_clip
import torch

from unlearnable.models.dual_encoder import ENCODERS, WORTH, DualEncoder, Encoder, build, computing, speedup
from unlearnable.models.openclip import load

PLAIN = (0.5, 0.5, 0.5)
HEAD = "| model | encoder | noise step, fp32, ms each | times as fast in bf16 | training step, fp32 | in bf16 | auto |"
TOKENS = 20  # of a caption with its trigger


def asked(
    about: str, head: str, models: list[str], photos: int, *, threads: int = 1, rounds: int | None = None
) -> argparse.Namespace:
    """Read the command line of a benchmark of models, set its threads, and print the head of its table.

    Args:
        about: what --help says.
        head: row of a Markdown table.
        models: names of models, if none is given.
        photos: of a step, if their number is not given.
        threads: the same.
        rounds: the same; None for benchmarks without rounds.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=models)
    parser.add_argument("--photos", type=int, default=photos)
    parser.add_argument("--threads", type=int, default=threads)
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(head, "|---" * (head.count("|") - 1) + "|", sep="\n")
    return options


def model_of(name: str) -> DualEncoder:
    """Load a model, or build an architecture with random weights."""
    config = open_clip.get_model_config(name)
    return load(name) if config is None else build(name, config, PLAIN, PLAIN)


def seconds(model: DualEncoder, count: int, *, bf16: bool, train: bool, encoder: Encoder = "photo") -> float:
    """Return the seconds per photo or text of the faster of two steps."""
    model.module.train(train)
    pixels = torch.rand(count, 3, model.image_size, model.image_size).requires_grad_(not train)
    tokens, photos = torch.ones(count, TOKENS, dtype=torch.long), encoder == "photo"
    wanted = list(model.module.parameters()) if train else [pixels]
    times = []
    for _ in range(2):
        began = time.perf_counter()
        with torch.set_grad_enabled(train or photos), computing(model, "bf16" if bf16 else "fp32", encoder):
            features = model.encode_image(pixels) if photos else model.encode_text(tokens)
        if features.requires_grad:
            torch.autograd.grad(features.float().sum(), wanted, allow_unused=True)
        times.append(time.perf_counter() - began)
    return min(times) / count


def in_turns(turns: list[tuple[float, float]]) -> list[str]:
    """Return the cells of steps taken both ways in turns: median milliseconds, and the median ratio of a turn."""
    ratio = statistics.median(first / second for first, second in turns)
    return [*(f"{1000 * statistics.median(column):.1f}" for column in zip(*turns, strict=True)), f"{ratio:.2f}"]


def row(model: DualEncoder, count: int, encoder: Encoder) -> list[str]:
    """Return the cells of an encoder."""
    cells = []
    for train in (False, True):
        plain, half = (seconds(model, count, bf16=bf16, train=train, encoder=encoder) for bf16 in (False, True))
        cells += [f"{1000 * plain:.1f}", f"{plain / half:.2f}"]
    return [*cells, "bf16" if speedup(model, encoder) > WORTH else "fp32"]


def main() -> None:
    options = asked(__doc__, HEAD, ["small", "resnet-small", "vit-small", "RN50", "ViT-B-32"], 64, threads=2)
    for name in options.models:
        for encoder in ENCODERS:
            print("|", " | ".join([name, encoder, *row(model_of(name), options.photos, encoder)]), "|", flush=True)


if __name__ == "__main__":
    main()
