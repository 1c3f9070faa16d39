"""Locks between runs, which the system releases where a process dies, and private scratch folders that hold one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from unlearnable.errors import OutputError
from unlearnable.storage import files

_PREFIX = "unlearnable-"
LOCK = ".unlearnable-scratch.lock"  # a name that nobody gives a file of their own


@contextmanager
def lock_output(output: Path, lock_file: Path, run: str) -> Iterator[None]:
    """Hold an output against other runs, such as another "training"; nothing is left of the lock.

    Raises:
        OutputError: another run holds it, or its folder cannot be made or written.
    """

    def refuse() -> None:
        hint = "wait until it is over, or choose another `output`"
        raise OutputError(f"another {run} is writing to {output}", hint=hint)

    with files.no_empty_folders_above(lock_file), locked(lock_file, refuse, output, files.ELSEWHERE):
        yield


@contextmanager
def locked(
    lock_file: Path, taken: Callable[[], object], named: Path | None = None, hint: str = files.CHECK
) -> Iterator[None]:
    """Hold a lock; where another run has it, call `taken` and wait. Nothing is left of the lock.

    Raises:
        OutputError: the lock cannot be made (the message names the file, or `named`), or a file of its name holds
            something.
    """
    refuse_filled(lock_file)
    lock = FileLock(lock_file)
    with files.reporting_write_errors(named or lock_file, hint):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            taken()
            lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no file that is open, and a disk may have become read-only
            lock_file.unlink(missing_ok=True)
        lock.release()


def refuse_filled(lock_file: Path) -> None:
    """Refuse to take a file of the user's for a lock: a lock is empty.

    Raises:
        OutputError: the file holds something.
    """
    if files.size_of(lock_file):
        raise OutputError(f"{lock_file} was not made by this program", hint="move it elsewhere")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder for decoded originals, in the system's temporary folder, that only this user may read.

    It is removed at the end. What killed runs of this user left, whose locks the system has released, is removed
    first.

    Raises:
        OutputError: it cannot be made.
    """
    _remove_left()
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))  # mode 0700
    except OSError as error:
        raise files.write_error("the temporary folder", error) from error
    lock = FileLock(folder / LOCK)
    try:
        with files.reporting_write_errors(folder):
            lock.acquire()
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left() -> None:
    """Remove the scratch folders of this user whose lock nobody holds; links are not followed."""
    for lock_file in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{LOCK}"):
        folder = lock_file.parent
        try:
            if folder.is_symlink() or (hasattr(os, "getuid") and folder.lstat().st_uid != os.getuid()):
                continue
            with FileLock(lock_file).acquire(timeout=0):
                left = len(list(folder.iterdir())) > 1  # one that holds the lock alone, a run may be about to take
        except OSError:  # a run holds it, or has just removed it
            continue
        if left:  # not before the lock is free: Windows removes no file that is open
            shutil.rmtree(folder, ignore_errors=True)
