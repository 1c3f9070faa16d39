"""All drills, with the trials of the slice that the tests run and of the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.torture import captions, disks, flips, kills, pairs, photos, secrets
from tests.torture.tally import Tally


@dataclass(frozen=True)
class Drill:
    """One way to try to break the tool.

    Attributes:
        run: does so many trials, with a seed, in an empty folder.
        slice: trials that the tests do.
        whole: trials of `tools/torture.py`.
    """

    run: Callable[[int, int, Path], Tally]
    slice: int
    whole: int


DRILLS = {
    "photos": Drill(photos.drill, 1000, 10_000),
    "captions": Drill(captions.drill, 200, 1000),
    "secrets": Drill(secrets.drill, 200, 1200),
    "kills of protect": Drill(partial(kills.drill, name="protect"), 3, 200),
    "kills of protect --overwrite": Drill(partial(kills.drill, name="protect --overwrite"), 2, 100),
    "kills of train": Drill(partial(kills.drill, name="train"), 2, 40),
    "kills of verify": Drill(partial(kills.drill, name="verify"), 1, 40),
    "kills of benchmark": Drill(partial(kills.drill, name="benchmark"), 1, 40),
    "flips": Drill(flips.drill, 3, 300),
    "pairs": Drill(pairs.drill, 1, 20),
    "disks": Drill(disks.drill, 1, 20),
}
