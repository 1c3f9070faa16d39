"""What a disk can take: names, bytes and writing at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from unlearnable.errors import OutputError
from unlearnable.storage.files import CHECK, FULL, reporting_write_errors, temporary_name, write_error

_KEPT_FREE = 0.1  # share of the free space that unpacking may not fill


def check_writable(folder: Path, hint: str = CHECK) -> None:
    """Create a folder and check that files can be written there, before hours of work depend on it, else give `hint`.

    Raises:
        OutputError: the folder cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # under a unique name: several processes may check at once
            pass
    except OSError as error:
        raise write_error(folder, error, hint) from error


def can_exist(path: Path) -> bool:
    """Return whether the file system could hold a file of this path: whether no name in it, nor all of it, is too long.

    Nothing is written. The folders of the path need not exist.
    """
    path = path.absolute()
    existing = _nearest_folder(path)
    parts = path.relative_to(existing).parts
    for tried in (path, temporary_name(path), *(existing / part for part in parts)):
        try:
            tried.lstat()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue  # writing will tell what is not allowed
        except (OSError, ValueError):
            return False
    return True


def free_space(path: Path) -> int:
    """Return the bytes that are free where `path` is or would be made."""
    return shutil.disk_usage(_nearest_folder(path)).free


def room_to_unpack(folder: Path) -> int:
    """Return the bytes that may be unpacked into a folder, with which the disk is not full."""
    return int((1 - _KEPT_FREE) * free_space(folder))


def _nearest_folder(path: Path) -> Path:
    """Return the nearest folder on the way to `path` that exists."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if os.path.isdir(folder))  # noqa: PTH112  (False where a name is too long)


def check_space(folder: Path, needed: int) -> None:
    """Check that so many bytes are free where a folder is or would be made.

    Raises:
        OutputError: less is free.
    """
    if (free := free_space(folder)) < needed:
        raise OutputError(
            f"{folder} takes about {needed / 1e6:,.0f} MB, but {free / 1e6:,.0f} MB are free on its disk",
            hint="free some space, or choose another --output",
        )


def reserve(path: Path, size: int) -> None:
    """Make a file of zeros whose whole size is on the disk, or keep one of that size and take what it lacks of it.

    A file with holes, once it is mapped, kills the process that writes where no space is left.

    Raises:
        OutputError: there is no room for it.
    """
    with reporting_write_errors(path):
        try:
            with path.open("r+b" if path.is_file() and path.stat().st_size == size else "wb") as file:
                _allocate(file.fileno(), size)
        except OSError as error:
            if error.errno in FULL:
                path.unlink()
            raise


def _allocate(file: int, size: int) -> None:
    try:
        os.posix_fallocate(file, 0, size)
    except (AttributeError, OSError) as error:  # neither every system nor every file system can
        if getattr(error, "errno", None) in FULL:
            raise
        os.truncate(file, size)
