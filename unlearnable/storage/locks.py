"""Hold what two runs would write at once, with a lock that the system lets go of where a process dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from unlearnable.errors import OutputError
from unlearnable.storage import entries, files


@contextmanager
def held(output: Path, lock_file: Path, run: str) -> Iterator[None]:
    """Hold an output against other runs, such as another "training"; nothing is left of the lock.

    Raises:
        OutputError: another run holds it, or its folder cannot be made or written.
    """

    def refuse() -> None:
        hint = "wait until it is over, or choose another --output"
        raise OutputError(f"another {run} is writing to {output}", hint=hint)

    with (
        entries.no_empty_folders_above(lock_file),
        alone(lock_file, refuse, output, files.ELSEWHERE),
    ):
        yield


@contextmanager
def alone(lock_file: Path, taken: Callable[[], object], named: Path | None = None, hint: str = "") -> Iterator[None]:
    """Hold a lock, waiting for another run that does, after a call of `taken`; nothing is left of the lock.

    Raises:
        OutputError: the lock cannot be made; the message names the file, or what else is `named`, with a `hint`. Or a
            file of its name holds something, which no lock does.
    """
    refuse_filled(lock_file)
    lock = FileLock(lock_file)
    with files.reporting_write_errors(named or lock_file, hint or files.CHECK):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            taken()
            lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no file that is open, and a disk may take no changes any more
            lock_file.unlink(missing_ok=True)
        lock.release()


def refuse_filled(lock_file: Path) -> None:
    """Refuse to take a file that holds something, which no lock does, for a lock.

    Raises:
        OutputError: it is one.
    """
    if entries.size_of(lock_file):
        raise OutputError(f"{lock_file} was not made by this program", hint="move it elsewhere")
