"""The folders that a run holds, and what an earlier run left in them: continued, kept, or replaced."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from unlearnable.errors import CheckpointError, ConfigError, OutputError
from unlearnable.protect.layout import Layout
from unlearnable.protect.publish import NAMED, damaged, refuse_foreign
from unlearnable.protect.records import read_report
from unlearnable.report import ProtectReport
from unlearnable.storage import files
from unlearnable.wording import named


def refuse_both(*, resume: bool, overwrite: bool, add: bool = False) -> None:
    """Refuse what contradicts each other: to continue a run, to replace its result and to add to it.

    Raises:
        ConfigError: two of them are asked for.
    """
    asked = [name for name, given in (("add", add), ("resume", resume), ("overwrite", overwrite)) if given]
    if len(asked) > 1:
        hint = "the same `add=True` continues one that was stopped" if asked == ["add", "resume"] else "use one of them"
        raise ConfigError(f"`{asked[0]}=True` and `{asked[1]}=True` exclude each other", hint=hint)


def finished_report(layout: Layout, key: str) -> ProtectReport | None:
    """Return the report of the finished run of this key, whole as it was published; None if none has this key."""
    if not layout.report.is_file() or (report := read_report(layout)).run != key:
        return None
    lost = [str(path) for path in layout.paths if not path.is_file()]
    if broken := lost or damaged(layout):
        raise CheckpointError(
            f"{layout.output} cannot be resumed: {named(broken, NAMED)} are not as the run wrote them",
            hint="restore them from a backup, or remove them and protect all anew with `overwrite=True`",
        )
    return report


def can_resume(layout: Layout, key: str, *, resume: bool, overwrite: bool) -> bool:
    """Return whether a stopped run of this key is to be continued; refuse folders that may not be written to."""
    if overwrite:
        refuse_foreign(layout)
        return False
    under_way = layout.key_under_way()
    if resume and under_way == key:
        return True
    if resume and (under_way or layout.report.is_file()):
        state = "stopped" if under_way else "finished"
        raise CheckpointError(
            f"{layout.private} holds a {state} run of other settings or photos",
            hint="use the same settings and photos, `add=True` for new photos, or `overwrite=True` to start over",
        )
    if used := _used(layout, to_resume=resume):
        hint = "use `resume=True` to continue a stopped run, `add=True` for new photos, `overwrite=True` to replace it"
        raise OutputError(f"{used} exists already", hint=f"{hint}, or choose another `output`")
    return False


def _used(layout: Layout, *, to_resume: bool) -> Path | None:
    """Return the folder of the two that holds anything but what a run was writing when it was killed."""
    if layout.output.is_dir() and not all(map(files.is_temporary, layout.output.iterdir())):
        return layout.output
    passing = {layout.lock, layout.holder, layout.scratch}
    there = layout.private.iterdir() if layout.private.is_dir() else ()
    if not to_resume and any(not (path in passing or files.is_temporary(path)) for path in there):
        return layout.private
    return None


def create_folders(layout: Layout, key: str, settings: str, *, resume: bool) -> None:
    """Create the folders of a run with its settings, as TOML; a stopped run is removed unless it is resumed."""
    if layout.output.is_dir():  # one that is made later lies beside the private folder
        for folder in (layout.output, *layout.output.rglob("*/")):
            files.check_writable(folder)
    with files.reporting_write_errors(layout.progress):
        if layout.progress.exists() and not resume:
            layout.key.unlink(missing_ok=True)  # first: what a kill leaves of it is no run to resume
            shutil.rmtree(layout.progress)
        layout.staged.mkdir(parents=True, exist_ok=True)
    files.write_text(layout.staged_settings, settings)
    files.write_text(layout.key, f"{key}\n")


@contextmanager
def held(layout: Layout) -> Iterator[Path]:
    """Hold the folders of a run against other runs, and yield an empty folder for decoded originals.

    That folder lies in the private one and is removed at the end. The system releases the lock of a process that
    dies; its files are then taken over by the next run.
    """
    if foreign := layout.foreign():
        message = f"{layout.private} is not the private folder of a run: it holds {named(foreign, NAMED)}"
        raise OutputError(message, hint="move it elsewhere, or choose another `output`")
    lock = FileLock(layout.lock, timeout=0)
    with files.no_empty_folders_above(layout.private):
        with files.reporting_write_errors(layout.lock, files.ELSEWHERE):
            layout.private.mkdir(mode=0o700, parents=True, exist_ok=True)
            layout.private.chmod(0o700)
            try:
                lock.acquire()
            except Timeout:
                raise _in_use(layout) from None
        try:
            since = time.strftime("%Y-%m-%d %H:%M:%S")
            files.write_text(layout.holder, f"process {os.getpid()} on {platform.node()} since {since}\n")
            shutil.rmtree(layout.scratch, ignore_errors=True)
            with files.reporting_write_errors(layout.scratch):
                layout.scratch.mkdir(mode=0o700)
            yield layout.scratch
        finally:
            shutil.rmtree(layout.scratch, ignore_errors=True)
            for path in (layout.holder, layout.lock):
                with suppress(OSError):  # Windows removes no file that is open, and a disk may take no more changes
                    path.unlink(missing_ok=True)
            lock.release()
            with suppress(OSError):  # it holds something
                layout.private.rmdir()


def _in_use(layout: Layout) -> OutputError:
    holder = "another process"
    with suppress(OSError):
        holder = layout.holder.read_text(encoding="utf-8").strip()
    message = f"another run is writing to {layout.output}: {holder}"
    return OutputError(message, hint="wait until it is over, or choose another `output`")
