"""The processes that a launcher started for one run."""

from __future__ import annotations

import os


def process() -> tuple[int, int]:
    """Return the number of this process, from 0, and of all, as `accelerate launch` and `torchrun` set them."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
