"""Files on a disk: what lies there, what the disk can take, and atomic writes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from unlearnable.errors import InputError, OutputError, UnlearnableError
from unlearnable.wording import storable

CHECK = "check free disk space and permissions"
ELSEWHERE = "choose another `output`, in a folder that can be written"
FULL = (errno.ENOSPC, errno.EDQUOT)  # no space left on the disk, or in the user's share of it
_FREE_SPACE = "free some space on it, then run the same command again, with `resume=True` where it has one"
_PARTIAL = ".partial"
_ADDRESS = re.compile(r"(?<![^:])(https?|ftp|s3):/+", re.IGNORECASE)


# What lies there


def files_below(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder that is not itself a folder; a symbolic link counts as a file."""
    return (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())


def is_file(path: Path) -> bool:
    """Return whether there is such a file; unlike `Path.is_file` no error where a name is too long or hidden."""
    return os.path.isfile(path)  # noqa: PTH113


def exists(path: Path) -> bool:
    """Return whether there is anything of that name, without errors as `is_file`."""
    return os.path.exists(path)  # noqa: PTH110


def size_of(path: Path) -> int:
    """Return the bytes of a file; 0 for one that is gone or hidden."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def open_regular(path: Path) -> BufferedReader:
    """Open a file to read its bytes; a pipe, which might never give any, is not waited for.

    Raises:
        OSError: it cannot be opened, or is not a regular file.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  (`Path.open` takes no opener)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def missing(path: Path) -> InputError:
    """Return the error for a path of the user's where nothing is; an address is shown as it was typed."""
    if is_address(path):
        typed = _ADDRESS.sub(r"\1://", path.as_posix(), count=1)  # `Path` takes two slashes for one
        return InputError(f"{typed} is an address, not a file or folder on this disk", hint="download it first")
    where = "" if path.is_absolute() else f": it would be {path.absolute()}"
    return InputError(f"there is no file or folder {path}", hint=f"check the path{where}")


def is_address(path: Path) -> bool:
    """Return whether a path is an internet address, alone or behind the name of an architecture."""
    return _ADDRESS.search(path.as_posix()) is not None


def exists_already(path: Path) -> OutputError:
    """Return the error for an output that would be replaced without having been asked for."""
    return OutputError(f"{path} exists already", hint="use `overwrite=True` or choose another `output`")


def refuse_others(folder: Path, record: str, *names: str) -> None:
    """Refuse to replace the record of a study, or files beside it, that no study wrote.

    Raises:
        OutputError: there is such a file, but neither cells nor a record that names some.
    """
    with suppress(OSError, ValueError, TypeError), open_regular(folder / record) as file:
        if "cells" in json.load(file):
            return
    for path in (folder / name for name in (record, *names)):
        if os.path.lexists(path) and not (folder / "cells").is_dir():
            hint = "move it elsewhere, or choose another `output`"
            raise OutputError(f"{path} was not made by this command", hint=hint)


# What the disk can take


def check_writable(folder: Path, hint: str = CHECK) -> None:
    """Create a folder and check that files can be written there, before hours of work depend on it.

    Raises:
        OutputError: the folder cannot be created or written to.
    """
    with reporting_write_errors(folder, hint):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # under a unique name: several processes may check at once
            pass


def can_exist(path: Path) -> bool:
    """Return whether no name in a path, nor the whole, is too long for the file system; nothing is written."""
    path = path.absolute()
    existing = _nearest_folder(path)
    for name in (path, temporary_name(path), *(existing / part for part in path.relative_to(existing).parts)):
        try:
            name.lstat()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue  # writing will tell what is not allowed
        except (OSError, ValueError):
            return False
    return True


def free_space(path: Path) -> int:
    """Return the bytes that are free where `path` is or would be made."""
    return shutil.disk_usage(_nearest_folder(path)).free


def room_to_unpack(folder: Path) -> int:
    """Return the bytes that may be unpacked into a folder: a tenth of the free space stays free."""
    return int(0.9 * free_space(folder))


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if os.path.isdir(folder))  # noqa: PTH112  (False where a name is too long)


def check_space(folder: Path, needed: int) -> None:
    """Check that so many bytes are free where a folder is or would be made.

    Raises:
        OutputError: less is free.
    """
    if (free := free_space(folder)) < needed:
        raise OutputError(
            f"{folder} takes about {needed / 1e6:,.0f} MB, but {free / 1e6:,.0f} MB are free on its disk",
            hint="free some space, or choose another `output`",
        )


def reserve(path: Path, size: int) -> None:
    """Make a file of zeros whose whole size is on the disk, or complete one of that size.

    A file with holes, once it is mapped, kills the process that writes where no space is left.

    Raises:
        OutputError: there is no room for it.
    """
    with reporting_write_errors(path), path.open("r+b" if size_of(path) == size else "wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except (AttributeError, OSError) as error:  # neither every system nor every file system can
            if getattr(error, "errno", None) in FULL:
                path.unlink()
                raise
            os.truncate(file.fileno(), size)


# Writing


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on exit, flush that file to disk and rename it to `path`.

    The temporary name keeps the suffix, for writers that choose a format by it. An error in the block removes the
    temporary file and leaves `path` unchanged.

    Raises:
        OutputError: the folder cannot be created or the file cannot be written.
    """
    temporary = temporary_name(path)
    with reporting_write_errors(path):
        _make_folder(path.parent)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, in UTF-8 and with its newlines unchanged; half a surrogate pair is escaped."""
    write_bytes(path, storable(text).encode("utf-8"))


def temporary_name(path: Path) -> Path:
    """Return the name that a file has while `atomic` writes it: another one for each file, however long its name."""
    stem, suffix = _shortened(path.stem), _shortened(path.suffix)
    if stem + suffix != path.name:  # photos of an album often differ in what is cut off
        stem += f"-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}"
    return path.with_name(f".{stem}{_PARTIAL}{suffix}")


def _shortened(name: str) -> str:
    return name.encode("utf-8", "ignore")[:80].decode("utf-8", "ignore")


def is_temporary(path: Path) -> bool:
    """Return whether `path` is named like a file that `atomic` has not finished."""
    return path.name.startswith(".") and path.stem.endswith(_PARTIAL)


def _make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, and flush the entry of each to disk."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename survives a power failure; does nothing outside POSIX."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def no_empty_folders_above(path: Path) -> Iterator[None]:
    """Remove, after the block, those folders above a path that were missing before and are empty."""
    absent = [parent for parent in path.parents if not parent.exists()]
    try:
        yield
    finally:
        with suppress(OSError):  # one holds something, as those above it then do
            for parent in absent:
                parent.rmdir()


@contextmanager
def reporting_write_errors(path: Path, hint: str = CHECK) -> Iterator[None]:
    """Re-raise any `OSError` in this block, and a library's own error on a full disk, as `OutputError` for `path`.

    `hint` is what to do where the disk is not full.
    """
    try:
        yield
    except OSError as error:
        raise write_error(path, error, hint) from error
    except Exception as error:
        if isinstance(error, UnlearnableError) or (full := full_disk(error, path)) is None:
            raise
        raise full from error


def write_error(path: object, error: OSError, hint: str = CHECK) -> OutputError:
    """Return the error for a file that cannot be written; `hint` is what to do where the disk is not full."""
    if error.errno in FULL:
        return OutputError(f"cannot write {path}: the disk is full", hint=_FREE_SPACE)
    return OutputError(f"cannot write {path}: {error.strerror or error}", hint=hint)


def full_disk(error: BaseException | None, path: object = "a file") -> OutputError | None:
    """Return the error to show where a full or read-only disk is the cause, however libraries wrapped it, or None."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (*FULL, errno.EROFS):
            return write_error(error.filename or path, error)
        if "os error 28" in str(error):  # a library in Rust wraps the number in a text
            return write_error(path, OSError(errno.ENOSPC, ""))
        error = error.__cause__ or error.__context__
    return None
