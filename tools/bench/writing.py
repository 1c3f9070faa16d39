"""Time writing one large photo, with all that is measured on it: CPU seconds and memory of one process.

    python tools/bench/writing.py [--megapixels 12] [--rounds 2] [--channels 1]

The photo is the first of `big_photos.py`, the noise random, grey as by default or of
`--channels 3`, for models of 224 pixels.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from big_photos import write

from unlearnable.config import ProtectSettings
from unlearnable.datasets.types import Photo
from unlearnable.imaging.decode import decode
from unlearnable.imaging.placement import grid_shape
from unlearnable.protect.photo import WriteJob, write_one

SIDE = 224


def job_for(folder: Path, channels: int) -> WriteJob:
    """Return the job of writing the one photo of a folder beside it."""
    (path,) = folder.glob("*.jpg")
    photo, picture = Photo(path.name, path), decode(path)
    grid = grid_shape(picture.height, picture.width, 2 * SIDE)
    return WriteJob(
        photo=photo,
        settings=ProtectSettings(photos=(folder,)),
        folder=folder.parent,
        name=path.name,
        checksum=photo.sha256() or "",
        post="0" * 64,
        noise=np.random.default_rng(0).integers(-8, 9, (channels, *grid), np.int8),
        trigger="",
        captions=[],
        pixels=picture.height * picture.width,
        side=SIDE,
        line=None,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--channels", type=int, choices=(1, 3), default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        write(folder, 1, options.megapixels)
        job = job_for(folder, options.channels)
        write_one(job)  # loads what is loaded late
        began = time.process_time()
        for _ in range(options.rounds):
            write_one(job)
        seconds = (time.process_time() - began) / options.rounds
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{seconds:.2f} CPU seconds a photo; {memory / 1e9:.2f} GB at most")


if __name__ == "__main__":
    main()
