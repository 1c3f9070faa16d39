"""Measure what it costs to tell PyTorch that weights need no gradients, in steps that take them to inputs only.

python tools/bench/frozen.py [MODEL ...] [--photos 8] [--threads 1]

Photos: one pass forward, and back to the pixels. Captions: one pass forward. In milliseconds
for each, the fastest of three.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from precision import asked, model_of

from unlearnable.models.dual_encoder import DualEncoder, computing

HEAD = "| model | format | photos, frozen | not frozen | captions, frozen | not frozen |"
LENGTH, ROUNDS = 20, 3  # tokens of a caption


def fastest(step: Callable[[], object], count: int) -> float:
    """Return the milliseconds for each of so many inputs."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return 1000 * min(times) / count


def row(model: DualEncoder, photos: int, *, bf16: bool) -> list[str]:
    pixels = torch.rand(photos, 3, model.image_size, model.image_size).requires_grad_()
    tokens = torch.randint(1, 400, (photos, LENGTH))
    tokens[:, -1] = len(model.token_table) - 1

    def look() -> None:
        with computing(model, "bf16" if bf16 else "fp32", "photo"):
            features = model.encode_image(pixels)
        torch.autograd.grad(features.float().sum(), pixels)

    @torch.no_grad()
    def read() -> None:
        with computing(model, "bf16" if bf16 else "fp32", "text"):
            model.encode_text(tokens)

    cells = []
    for step in (look, read):
        for frozen in (True, False):
            model.module.eval().requires_grad_(not frozen)
            cells.append(f"{fastest(step, photos):.1f}")
    return cells


def main() -> None:
    options = asked(__doc__, HEAD, ["small", "resnet-small", "vit-small", "RN50", "ViT-B-32"], 8)
    for name in options.models:
        model = model_of(name)
        for bf16 in (False, True):
            cells = row(model, options.photos, bf16=bf16)
            print("|", " | ".join([name, "bf16" if bf16 else "fp32", *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
