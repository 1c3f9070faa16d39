"""Protect with other numbers than a preset's, to find better ones.

    python tools/bench/trial.py SET/train SET/NAME --look film --start balanced noise_steps=4
    python tools/bench/looks.py SET --victims vit-small --arms clean =NAME

Numbers are those of `unlearnable.settings.Hyperparameters`. Printed are the seconds that a photo took and FLIP.
"""

from __future__ import annotations

import argparse
import ast
import time
from dataclasses import replace

import torch

from unlearnable import protect
from unlearnable.settings import PRESETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos")
    parser.add_argument("output")
    parser.add_argument("numbers", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--look", default="none")
    parser.add_argument("--epsilon", type=int, default=8)
    parser.add_argument("--start", default="balanced", choices=PRESETS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_intermixed_args()
    torch.set_num_threads(args.threads)
    given = dict(number.split("=", 1) for number in args.numbers)
    PRESETS["trial"] = replace(PRESETS[args.start], **{name: _value(value) for name, value in given.items()})
    began = time.monotonic()
    report = protect(
        args.photos, captions=f"{args.photos}/posts.jsonl", output=args.output, format="png", preset="trial",
        look=args.look, epsilon=args.epsilon, seed=args.seed, device="cpu", overwrite=True,
    )  # fmt: skip
    print(
        args.output,
        *args.numbers,
        args.look,
        args.epsilon,
        f"{(time.monotonic() - began) / report.photos:.2f} s",
        f"FLIP {report.flip_mean:.3f}",
        f"PSNR {report.psnr_mean:.1f}",
    )


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


if __name__ == "__main__":
    main()
