"""All drills, with the trials of the slice that the tests run and of the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.torture import captions, kills, photos, secrets
from tests.torture.tally import Tally


@dataclass(frozen=True)
class Drill:
    """One way to try to break the tool."""

    run: Callable[[int, int, Path], Tally]  # does so many trials, with a seed, in an empty folder
    slice: int  # trials that the tests do; 0 where those of the command see to it
    whole: int  # trials of `tools/torture.py`


DRILLS = {
    "photos": Drill(photos.drill, 400, 10_000),
    "captions": Drill(captions.drill, 100, 1000),
    "secrets": Drill(secrets.drill, 200, 1200),
    "kills of protect": Drill(partial(kills.drill, name="protect"), 3, 200),
    "kills of protect --overwrite": Drill(partial(kills.drill, name="protect --overwrite"), 2, 100),
    "kills of train": Drill(partial(kills.drill, name="train"), 0, 40),
    "kills of verify": Drill(partial(kills.drill, name="verify"), 0, 40),
    "kills of benchmark": Drill(partial(kills.drill, name="benchmark"), 0, 40),
}
