"""Take turns at what two runs that share a folder would make at once: protections and cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from filelock import FileLock, Timeout

from unlearnable import files
from unlearnable.progress import Progress

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
        with alone(checkpoint.with_suffix(".lock"), f"trains the victim of {checkpoint.stem}", progress):
            if cells.done(cell) is None:
                run(cell)
                ran += 1
            checkpoint.unlink(missing_ok=True)  # also where a kill came between the two
    return ran


@contextmanager
def alone(lock_file: Path, work: str, progress: Progress) -> Iterator[None]:
    """Hold a lock, waiting for another run that does; `work` is what that one does then. Nothing is left of it.

    Raises:
        OutputError: the lock cannot be made.
    """
    lock = FileLock(lock_file)
    with files.reporting_write_errors(lock_file):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress.note(f"another run {work}: waiting for it")
            lock.acquire()
    try:
        yield
    finally:
        with suppress(PermissionError):  # Windows removes no file that is open
            lock_file.unlink(missing_ok=True)
        lock.release()
