"""The processes that a launcher started for one run."""

from __future__ import annotations

import os


def process() -> tuple[int, int]:
    """Return the number of this process, from 0, and of all, as `accelerate launch` and `torchrun` set them."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    return int(os.environ.get("RANK", "0")) if size > 1 else 0, size


def is_first() -> bool:
    """Return whether this process is alone, or the first of those that a launcher started."""
    return process()[0] == 0
