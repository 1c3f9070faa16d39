"""Share the cells of a benchmark among processes that were started together, and wait for runs beside this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.progress.reporting import Progress
from unlearnable.wording.counts import counted
from unlearnable.workers.launched import process

T = TypeVar("T")


def own_share(cells: Iterable[T], protection: Callable[[T], ProtectionStore | None]) -> list[T]:
    """Return the cells of this process: all of them, or those of its share of the protections.

    Args:
        cells: cells to run.
        protection: function that returns the store of a cell's protection; None for one without.
    """
    rank, size = process()
    digests = {cell: store.digest if (store := protection(cell)) else "" for cell in cells}
    order = list(dict.fromkeys(digests.values()))
    return [cell for cell, digest in digests.items() if order.index(digest) % size == rank]


def said_of_missing(cells: int) -> list[str]:
    """Return a note on cells that are not there, if any: other processes may be at work on theirs still."""
    if not cells:
        return []
    if process()[1] > 1:
        return [
            f"{counted(cells, 'cell')} not there yet, which the other processes compute: once they have ended, the "
            "same command writes all tables"
        ]
    return [f"{counted(cells, 'cell')} missing: run the same command to continue"]


def waiting(work: str, progress: Progress) -> Callable[[], None]:
    """Return what notes that another run does some work, which this one waits for."""
    return lambda: progress.note(f"another run {work}: waiting for it")
