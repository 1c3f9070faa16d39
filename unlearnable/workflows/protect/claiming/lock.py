"""One run at a time on the folders of a result, and the scratch folder of that run."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from unlearnable.disk import entries, files, locks, modes
from unlearnable.errors import OutputError
from unlearnable.wording.counts import named
from unlearnable.workflows.output.layout import Layout
from unlearnable.workflows.output.origin import is_held, is_of_a_run

_NAMED = 5  # files in a message; the others are counted
LOOKS, PAUSE = 10, 0.1  # how often, and after how many seconds, it is looked who holds a lock


@contextmanager
def held(layout: Layout) -> Iterator[None]:
    """Hold the folders of a run against other runs, and say in the private folder who holds them.

    The system releases the lock of a process that dies; its files are then taken over by the next run.

    Raises:
        OutputError: another run holds them, or the private folder cannot be made, or no run made it.
    """
    _refuse_others(layout)
    lock = FileLock(layout.lock, timeout=0)
    with entries.no_empty_folders_above(layout.private):
        _take(layout, lock)
        try:
            modes.make_private(layout.private)
            since = time.strftime("%Y-%m-%d %H:%M:%S")
            files.write_text(layout.holder, f"process {os.getpid()} on {platform.node()} since {since}\n")
            yield
        finally:
            _let_go(layout, lock)


@contextmanager
def scratch_of(layout: Layout) -> Iterator[Path]:
    """Yield an empty folder inside the private one for decoded originals, which nobody else may read.

    It is removed at the end; what a killed run left there is removed first. The caller holds the folders.

    Raises:
        OutputError: it cannot be made.
    """
    shutil.rmtree(layout.scratch, ignore_errors=True)
    with files.reporting_write_errors(layout.scratch):
        layout.scratch.mkdir(mode=0o700)
    try:
        yield layout.scratch
    finally:
        shutil.rmtree(layout.scratch, ignore_errors=True)


def _take(layout: Layout, lock: FileLock) -> None:
    """Make the private folder, and take the lock in it; one that cannot be locked is not left there."""
    with files.reporting_write_errors(layout.lock, files.ELSEWHERE):
        is_new = not layout.private.exists()
        layout.private.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise _taken(layout) from None
        except OSError:  # the file system knows no locks
            if is_new:
                shutil.rmtree(layout.private, ignore_errors=True)
            raise


def _let_go(layout: Layout, lock: FileLock) -> None:
    """Release the lock; a private folder that holds nothing else is removed, also one that no mode can be given."""
    try:
        modes.make_private(layout.private)
    finally:
        for path in (layout.holder, layout.lock):
            with suppress(OSError):  # Windows removes no file that is open, and a disk may take no changes any more
                path.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # it holds something
            layout.private.rmdir()


def _refuse_others(layout: Layout) -> None:
    """Stop before anything is touched where the private folder holds files, and none that a run wrote."""
    if not layout.private.is_dir() or is_held(layout) or is_of_a_run(layout):
        locks.refuse_filled(layout.lock)
        _refuse_passing(layout)
        return
    found = entries.files_below(layout.private)
    if any(entries.size_of(path) if path == layout.lock else not files.is_temporary(path) for path in found):
        raise OutputError(f"{layout.private} was not made by this program", hint="remove it or choose another --output")


def _refuse_passing(layout: Layout) -> None:
    """Stop where somebody put files into a folder that runs remove with all that it holds.

    Raises:
        OutputError: there are such files; the message names them.
    """
    folders = [folder for folder in layout.passing if not folder.is_symlink()]
    found = [str(path) for folder in folders for path in entries.files_below(folder) if not layout.owns(path)]
    if found:
        was, them = ("was", "it") if len(found) == 1 else ("were", "them")
        raise OutputError(
            f"{named(found, _NAMED)} {was} not made by this program, and runs remove what lies there",
            hint=f"move {them} elsewhere",
        )


def _taken(layout: Layout) -> OutputError:
    """Return what to say of a lock that another run holds, which writes who it is right after it took it."""
    for _ in range(LOOKS):
        if layout.holder.is_file():
            break
        time.sleep(PAUSE)
    try:
        holder = layout.holder.read_text(encoding="utf-8").strip()
    except OSError:
        holder = "another process"
    return OutputError(
        f"another run is writing to {layout.output}: {holder}", hint="wait until it is over, or choose another --output"
    )
