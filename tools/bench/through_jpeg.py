"""Measure whether noise that is made through a JPEG protects better once it is written as one.

    python tools/bench/through_jpeg.py PHOTOS --captions FILE [--count 60] [--quality 85] [--shares 0 0.5 1]

In a share of the noise steps and training steps each working copy passes a JPEG of the quality that is written, 4:2:0,
with gradients straight through. The photos should be about as large as working copies are (twice the side of the
surrogate): of larger ones a JPEG at the working copy's scale is not the one that is written. A row for each share, mean
over the seeds, with the difference to the first share seed by seed.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unlearnable import protect
from unlearnable.config import Enlargement
from unlearnable.methods import batches
from unlearnable.results import ProtectReport
from unlearnable.training import view
from unlearnable.training.view import apply_noise

FIGURES: tuple[tuple[str, Callable[[ProtectReport], float]], ...] = (
    ("loss on the JPEGs", lambda report: report.loss_last),
    ("loss if lossless", lambda report: report.loss_before_encoding or 0.0),
    ("pretrained, on the JPEGs", lambda report: fmean(one.protected_pretrained for one in report.losses)),
    ("noise kept", lambda report: report.noise_kept_mean or 0.0),
    ("PSNR, dB", lambda report: report.psnr_mean),
    ("seconds", lambda report: report.seconds),
)


def through_jpeg(pixels: Tensor, quality: int) -> Tensor:
    """Return (3, h, w) pixels as a JPEG would give them back."""
    file = io.BytesIO()
    Image.fromarray(pixels.byte().permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality, subsampling=2)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float()


def sometimes(share: float, quality: int, seed: int) -> Callable[..., Tensor]:
    """Return `apply_noise` with a JPEG in a share of its calls."""
    dice = random.Random(seed)

    def changed(pixels: Tensor, noise: Tensor, mode: Enlargement) -> Tensor:
        file = apply_noise(pixels, noise, mode)
        return through_jpeg(file, quality) if dice.random() < share else file

    return changed


def run(folder: Path, share: float, quality: int, seed: int) -> ProtectReport:
    """Protect a folder with a JPEG in a share of the steps."""
    with ExitStack() as stack:
        for module in (batches, view):
            stack.enter_context(mock.patch.object(module, "apply_noise", sometimes(share, quality, seed)))
        return protect(
            folder, captions=folder / "posts.jsonl", overwrite=True, format="jpeg", quality=quality, seed=seed
        )


def sample(photos: Path, captions: Path, count: int, folder: Path) -> None:
    """Copy `count` posts, drawn at random but each time the same, into a folder."""
    rows = [json.loads(line) for line in captions.read_text(encoding="utf-8").splitlines()]
    chosen = random.Random(0).sample(rows, count)
    for row in chosen:
        target = folder / row["image"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / row["image"], target)
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--shares", type=float, nargs="+", default=[0, 0.5, 1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    print(f"| JPEG in | {' | '.join(name for name, _ in FIGURES)} | difference by seed |")
    print("|---|" + "---|" * (len(FIGURES) + 1))
    first: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        sample(arguments.photos, arguments.captions, arguments.count, folder)
        for share in arguments.shares:
            reports = [run(folder, share, arguments.quality, seed) for seed in arguments.seeds]
            losses = [report.loss_last for report in reports]
            first = first or losses
            cells = [f"{fmean(figure(report) for report in reports):.4g}" for _, figure in FIGURES]
            apart = ", ".join(f"{loss - base:+.4f}" for loss, base in zip(losses, first, strict=True))
            print(f"| {100 * share:.0f} % | {' | '.join(cells)} | {apart} |", flush=True)


if __name__ == "__main__":
    main()
