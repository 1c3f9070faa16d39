"""Share the cells of a benchmark among the processes that `accelerate launch` and `torchrun` start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from unlearnable.training.distributed import process

T = TypeVar("T")


def own_share(protections: Mapping[T, str]) -> list[T]:
    """Return the cells of this process, those of its share of the protections: `protections` has the digest of each."""
    rank, size = process()
    order = list(dict.fromkeys(protections.values()))
    return [cell for cell, digest in protections.items() if order.index(digest) % size == rank]
