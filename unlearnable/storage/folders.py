"""The folders of a user and of a run: cache, state and the pair that `protect` writes; locks and scratch folders."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path, user_state_path

from unlearnable.errors import ConfigError, OutputError
from unlearnable.storage import files

CACHE, STATE = "UNLEARNABLE_CACHE", "UNLEARNABLE_STATE"
MANIFEST = "manifest.jsonl"
LOCK = ".unlearnable-scratch.lock"  # a name that nobody gives a file of their own
_PREFIX = "unlearnable-"


def cache_folder() -> Path:
    """Return the folder of trained victims and decoded photos; `UNLEARNABLE_CACHE` moves it."""
    chosen = os.environ.get(CACHE)
    return at_home(Path(chosen)) if chosen else user_cache_path("unlearnable")


def state_folder() -> Path:
    """Return the folder of what is remembered between runs, which need not exist; `UNLEARNABLE_STATE` moves it."""
    chosen = os.environ.get(STATE)
    return at_home(Path(chosen)) if chosen else user_state_path("unlearnable")


def at_home(path: Path) -> Path:
    """Return a path in which `~` is the user's home, as shells leave it in `--output=~/posts` and in quotes."""
    try:
        return path if os.path.lexists(path) else path.expanduser()
    except RuntimeError:  # there is no such user, so that the name is a folder's
        return path


def private_of(output: Path) -> Path:
    """Return the private folder beside `output`, which must not be published."""
    return output.with_name(f"{output.name}.private")


def published_above(path: Path) -> Iterator[Path]:
    """Yield each folder above a path that `protect` wrote: its private folder, with the manifest, is beside it."""
    for folder in path.resolve().parents[:-1]:  # there is no folder beside the root
        if (private_of(folder) / MANIFEST).is_file():
            yield folder


def refuse_published(path: Path) -> None:
    """Refuse to write what shows or names originals into a folder that `protect` wrote, to be published."""
    for folder in published_above(path):
        hint = "choose a place outside of it"
        raise OutputError(f"{path} would lie in {folder}, which is to be published", hint=hint)


def refuse_among(output: Path, *inputs: Path | None) -> None:
    """Refuse to write into a folder that is read."""
    for folder in filter(None, inputs):
        if folder.is_dir() and output.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(f"the output {output} lies in {folder}, which is read", hint="choose another `output`")


def check_apart(output: Path, *inputs: Path) -> None:
    """Refuse an output that lies in an input, or contains one."""
    target = output.resolve()
    for root in (path.resolve() for path in inputs):
        if target.is_relative_to(root) or root.is_relative_to(target):
            raise ConfigError(f"the output {target} and {root} overlap", hint="choose another `output`")


# Locks, which the system releases where a process dies


@contextmanager
def lock_output(output: Path, lock_file: Path, run: str) -> Iterator[None]:
    """Hold an output against other runs, such as another "training"; nothing is left of the lock."""
    lock = FileLock(lock_file)
    with files.reporting_write_errors(lock_file, files.ELSEWHERE):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            hint = "wait until it is over, or choose another `output`"
            raise OutputError(f"another {run} is writing to {output}", hint=hint) from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no file that is open, and a disk may have become read-only
            lock_file.unlink(missing_ok=True)
        lock.release()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder for decoded originals, in the system's temporary folder, that only this user may read.

    It is removed at the end; what killed runs of this user left, whose locks the system has released, at once.

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
