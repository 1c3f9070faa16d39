"""What lies in folders: whether it is there, opened to be read, refused where it may not be replaced."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from unlearnable.errors import ConfigError, InputError, OutputError

_ADDRESS = re.compile(r"(?<![^:])(https?|ftp|s3):/+", re.IGNORECASE)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder that is not itself a folder; a symbolic link counts as a file."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path


@contextmanager
def no_empty_folders_above(path: Path) -> Iterator[None]:
    """Remove, after the block, those folders above a path that were missing before and are empty."""
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        yield
    finally:
        with suppress(OSError):  # one holds something, as those above it then do
            for parent in missing:
                parent.rmdir()


def refuse_among(output: Path, *inputs: Path | None) -> None:
    """Refuse to write into a folder that is read.

    Raises:
        ConfigError: the output lies in one of the inputs.
    """
    for folder in filter(None, inputs):
        if folder.is_dir() and output.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(
                f"the output {output} lies in {folder}, which is read and never written to",
                hint="choose another --output",
            )


def refuse_others(folder: Path, record: str, *names: str) -> None:
    """Refuse to replace the record of a study, and files beside it, in a folder in which no study was made.

    One was made where there are cells, or where the record names some.

    Raises:
        OutputError: there is such a file.
    """
    if (folder / "cells").is_dir() or _names_cells(folder / record):
        return
    for path in (folder / name for name in (record, *names)):
        if os.path.lexists(path):
            hint = "move it elsewhere, or choose another --output"
            raise OutputError(f"{path} was not made by this command", hint=hint)


def _names_cells(record: Path) -> bool:
    try:
        with open_regular(record) as file:
            return "cells" in json.load(file)
    except (OSError, ValueError, TypeError):
        return False


def missing(path: Path) -> InputError:
    """Return what to say of a file or folder of the user's that does not exist: also where it was looked for.

    An address of the internet is shown as it was typed: `Path` takes two slashes for one.
    """
    if is_address(path):
        typed = _ADDRESS.sub(r"\1://", path.as_posix(), count=1)
        return InputError(
            f"{typed} is an address, no file or folder on this disk",
            hint="download it, and give where it lies",
        )
    where = "" if path.is_absolute() else f": it would be {path.absolute()}"
    return InputError(f"there is no file or folder {path}", hint=f"check the path{where}")


def is_address(path: Path) -> bool:
    """Return whether a path is an address of the internet, alone or behind the name of an architecture."""
    return _ADDRESS.search(path.as_posix()) is not None


def exists_already(path: Path) -> OutputError:
    """Return what to say of a file or folder that would be replaced, which was not asked for."""
    return OutputError(f"{path} exists already", hint="use --overwrite or choose another --output")


def is_file(path: Path) -> bool:
    """Return whether there is such a file that this user may look at; `Path` raises errors, also of too long a name."""
    return os.path.isfile(path)  # noqa: PTH113


def exists(path: Path) -> bool:
    """Return whether there is anything that this user may look at, without an error, as `is_file`."""
    return os.path.exists(path)  # noqa: PTH110


def size_of(path: Path) -> int:
    """Return the bytes of a file; 0 for one that is gone or that this user may not look at."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def open_regular(path: Path) -> BufferedReader:
    """Open a file to read its bytes; a pipe, which might never give any, is not waited for.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  (`Path.open` takes no opener)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
