"""What the photos and the noise of a large data set take on disk and in memory: a dry run with made-up photos.

    python tools/bench/storage.py [--photos 8278] [--scale-to 82783] [--side 224]

Photos of 640 x 480 with five captions each are written, read as COCO, decoded into the cache, given
a noise each, and read once in random order as a training would; the noise goes to a checkpoint and back.
Sizes and times are scaled up to COCO's 82,783.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from unlearnable import checkpoint
from unlearnable.benchmarks import coco
from unlearnable.benchmarks.store import decoded
from unlearnable.models.tokens import cut
from unlearnable.optim.noise import NoiseStore
from unlearnable.optim.view import protect
from unlearnable.progress import Silent
from unlearnable.training.pairs import pairs_of

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
        split = "test" if n % 17 == 16 else "train"
        rows.append({"filepath": "train2014", "filename": name, "split": split, "sentences": sentences})
    (root / "dataset_coco.json").write_text(json.dumps({"images": rows}))


def memory() -> float:
    """Memory in use now, in GB, without pages of mapped files, which can be dropped (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=8278)
    parser.add_argument("--scale-to", type=int, default=82783)
    parser.add_argument("--side", type=int, default=224)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder) / "coco", Path(folder) / "cache"
        write(root, asked.photos)
        start, began = memory(), time.monotonic()
        corpus = coco.read(root, None, 0)
        items = (*corpus.train, *corpus.test)
        photos = decoded(items, corpus.fingerprint, asked.side, cache, Silent())
        seconds = time.monotonic() - began
        noise = NoiseStore(photos.pixels.shapes, 8, cache / "noise.i8")
        captions = [list(item.captions) for item in items]
        pairs = pairs_of(photos.pixels, captions)
        slots = [[cut(text, 0, 3) for text in texts] for texts in captions]
        for n in torch.randperm(len(items), generator=torch.Generator().manual_seed(0)).tolist():
            noise.write(n, torch.randint(-8, 9, (3, *photos.pixels.shapes[n])).float())
            protect(photos.pixels[n], noise.read(n), "bilinear")
        noise.flush()
        began = time.monotonic()
        checkpoint.save(cache / "state.pt", "", {"noise": torch.from_numpy(noise.data)})
        kept = checkpoint.load(cache / "state.pt", "")["noise"]
        noise.data[:] = kept.numpy()
        back = time.monotonic() - began
        disk = {path.suffix: path.stat().st_size for path in cache.iterdir()}
        used = memory() - start
    times, big, small = asked.scale_to / len(items), disk[".u8"] / 1e9, disk[".i8"] / 1e9
    print(f"{len(items)} photos, {len(pairs)} captions, {len(slots)} cut; decoded in {seconds:.0f} s")
    print(f"checkpoint written and read in {back:.1f} s, {disk['.pt'] / 1e9:.2f} GB")
    print(f"photos {big:.2f} GB, noise {small:.2f} GB, memory {used:.2f} GB beyond the imports")
    print(
        f"for {asked.scale_to} photos: photos {times * big:.1f} GB, noise {times * small:.1f} GB, "
        f"memory {times * used:.1f} GB"
    )


if __name__ == "__main__":
    main()
