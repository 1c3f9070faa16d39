"""Time the ranking of a large gallery and measure the memory that it adds to the process.

    python tools/bench/retrieval.py --photos 5000 --captions 5 --width 1024

Features are random; the memory is the peak of the whole process minus that after the imports.
"""

from __future__ import annotations

import argparse
import resource
import time

import torch
from torch.nn.functional import normalize

from unlearnable.training.retrieval import hit, medr, random_reference, rank


def peak() -> float:
    """Return the largest resident memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--captions", type=int, default=5, help="captions per photo")
    parser.add_argument("--width", type=int, default=1024, help="floats per feature")
    arguments = parser.parse_args()
    imports = peak()
    torch.manual_seed(0)
    owner = torch.arange(arguments.photos).repeat_interleave(arguments.captions)
    images = normalize(torch.randn(arguments.photos, arguments.width), dim=1)
    texts = normalize(torch.randn(len(owner), arguments.width), dim=1)
    begun = time.perf_counter()
    ranks = rank(images, texts, owner)
    seconds = time.perf_counter() - begun
    print(f"{len(images)} photos, {len(texts)} captions, {arguments.width} floats, {torch.get_num_threads()} threads")
    print(f"{seconds:.1f} s; peak {peak():.2f} GB, {peak() - imports:.2f} GB beyond the imports ({imports:.2f} GB)")
    begun = time.perf_counter()
    chance = random_reference(len(images), owner)
    for way in ("image_to_text", "text_to_image"):
        real, random = getattr(ranks, way), getattr(chance, way)
        print(f"{way}: Hit@10 {hit(real):.2f} Medr {medr(real):.1f}; by chance {random.hit():.2f} {random.medr():.1f}")
    print(f"random reference: {time.perf_counter() - begun:.2f} s")


if __name__ == "__main__":
    main()
