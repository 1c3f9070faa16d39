"""Measure the disk space and memory of photos and noise of a large data set, in a dry run with artificial photos.

    python tools/bench/storage.py [--photos 8778] [--scale-to 87783] [--side 224] [--changed 600]

Photos of 640 x 480 with five captions each are written, read as COCO, decoded into the cache, given noise, and
read once in random order as in a training. After a checkpoint the noise of `--changed` photos is changed, as before
the next checkpoint, and then rolled back. Sizes are scaled up to COCO's 82,783 photos to train on and 5,000 to
rank, of which only the former have noise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from unlearnable.benchmark.cells import decoded
from unlearnable.benchmark.suites import read_captions
from unlearnable.imaging.picture import grid_shape
from unlearnable.methods.noise import NoiseStore
from unlearnable.models.tokens import cut
from unlearnable.storage.progress import Silent
from unlearnable.training.data import apply_noise, pairs_of

WORDS = ["a", "dog", "runs", "over", "wet", "grass", "while", "two", "people", "watch", "from", "under", "umbrella"]


def write(root: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    (root / "train2014").mkdir(parents=True)
    rows = []
    for n in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        name = f"COCO_train2014_{n:012d}.jpg"
        coarse.resize((640, 480), Image.Resampling.BILINEAR).save(root / "train2014" / name, quality=85)
        captions = [" ".join(rng.choice(WORDS, 10)) for _ in range(5)]
        sentences = [{"raw": caption} for caption in captions]
        split = "test" if n % 18 == 17 else "train"
        rows.append({"filepath": "train2014", "filename": name, "split": split, "sentences": sentences})
    (root / "dataset_coco.json").write_text(json.dumps({"images": rows}))


def write_random(noise: NoiseStore, photo: int) -> None:
    noise.write(photo, torch.randint(-8, 9, (3, *noise.shapes[photo])).float())


def memory() -> float:
    """Return the memory in use, in GB, without pages of mapped files, which can be dropped (Linux only)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=8778)
    parser.add_argument("--scale-to", type=int, default=87783)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--changed", type=int, default=600)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder) / "coco", Path(folder) / "cache"
        write(root, arguments.photos)
        start, began = memory(), time.monotonic()
        corpus = read_captions(root, None)
        items = (*corpus.train, *corpus.test)
        photos = decoded(items, arguments.side, cache, Silent())
        seconds = time.monotonic() - began
        shapes = [grid_shape(*shape, arguments.side) for shape in photos.pixels.shapes[: len(corpus.train)]]
        noise = NoiseStore(shapes, 8, cache / "noise.i8")
        captions = [list(item.captions) for item in items]
        pairs = pairs_of(photos.pixels, captions)
        slots = [[cut(text, 0, 3) for text in texts] for texts in captions]
        for n in torch.randperm(len(noise), generator=torch.Generator().manual_seed(0)).tolist():
            write_random(noise, n)
            apply_noise(photos.pixels[n], noise.read(n))
        number, at_checkpoint = noise.export(), hashlib.sha256(noise.data).digest()
        noise.exported()
        began = time.monotonic()
        for n in range(arguments.changed):
            write_random(noise, n)
        journal_seconds = time.monotonic() - began
        disk = {path.suffix: path.stat().st_size for path in cache.iterdir()}
        NoiseStore(shapes, 8, cache / "noise.i8").restore(number)
        assert hashlib.sha256(noise.data).digest() == at_checkpoint
        used = memory() - start
    times, big, small = arguments.scale_to / len(items), disk[".u8"] / 1e9, disk[".i8"] / 1e9
    print(f"{len(items)} photos, {len(pairs)} captions, {len(slots)} cut; decoded in {seconds:.0f} s")
    print(f"journal {disk['.undo'] / 1e9:.3f} GB for {arguments.changed} photos, written in {journal_seconds:.1f} s")
    print(f"photos {big:.2f} GB, noise {small:.2f} GB, memory {used:.2f} GB beyond the imports")
    print(
        f"for {arguments.scale_to} photos: photos {times * big:.2f} GB, noise {times * small:.2f} GB, "
        f"memory {times * used:.1f} GB"
    )


if __name__ == "__main__":
    main()
