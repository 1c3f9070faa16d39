"""Share the cells of a benchmark among the processes that `accelerate launch` and `torchrun` start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def process() -> tuple[int, int]:
    """Return the number of this process, from 0, and of all processes, as set by `accelerate launch` and `torchrun`."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def own_share(protections: Mapping[T, str]) -> list[T]:
    """Return the cells of this process, those of its share of the protections: `protections` has the digest of each."""
    rank, size = process()
    order = list(dict.fromkeys(protections.values()))
    return [cell for cell, digest in protections.items() if order.index(digest) % size == rank]
