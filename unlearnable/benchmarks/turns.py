"""Take turns at what two runs that share a folder would make at once: protections and cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from unlearnable.disk.locks import alone
from unlearnable.progress.reporting import Progress

P = TypeVar("P", contravariant=True)


class Cells(Protocol[P]):
    """Cells, finished or not."""

    def done(self, cell: P, /) -> object | None:
        """Return the result of a cell that was run before, or None."""

    def checkpoint(self, cell: P, /) -> Path:
        """Return the checkpoint of a cell whose victim is being trained."""


def run_missing(cells: Cells[P], own: Sequence[P], run: Callable[[P], object], progress: Progress) -> int:
    """Run those cells of this process that neither an earlier run nor one beside it has; return their number."""
    ran = 0
    for cell in own:
        checkpoint = cells.checkpoint(cell)
        with alone(checkpoint.with_suffix(".lock"), waiting(f"trains the victim of {checkpoint.stem}", progress)):
            if cells.done(cell) is None:
                run(cell)
                ran += 1
            checkpoint.unlink(missing_ok=True)  # also where a kill came between the two
    return ran


def waiting(work: str, progress: Progress) -> Callable[[], None]:
    """Return what notes that another run does some work, which this one waits for."""
    return lambda: progress.note(f"another run {work}: waiting for it")
