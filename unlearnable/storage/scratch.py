"""Scratch folders for decoded originals, in the system's temporary folder (`TMPDIR`): private, and not left there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from unlearnable.storage import files

PREFIX = "unlearnable-"
LOCK = ".unlearnable-scratch.lock"  # a name that nobody gives a file of their own


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder that only this user may read; it is removed at the end.

    What runs of this user left that were killed is removed first: the system has released their locks.

    Raises:
        OutputError: it cannot be made.
    """
    _remove_left()
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # mode 0700
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
    """Remove the scratch folders of this user whose lock nobody holds."""
    for folder in _scratch_folders():
        lock = FileLock(folder / LOCK)
        try:
            with lock.acquire(timeout=0):
                left = len(list(folder.iterdir())) > 1  # one that holds the lock alone, a run may be about to take
        except OSError:  # a run holds it, or has just removed it
            continue
        if left:  # not before the lock is free: Windows removes no file that is open
            shutil.rmtree(folder, ignore_errors=True)


def _scratch_folders() -> list[Path]:
    """Return the folders in the temporary folder that are this user's, no links, and hold a lock."""
    try:
        found = list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"))
    except OSError:
        return []
    return [path.parent for path in found if not path.parent.is_symlink() and _is_own(path.parent)]


def _is_own(folder: Path) -> bool:
    try:
        return not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()
    except OSError:
        return False
