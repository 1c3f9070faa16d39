"""Write files atomically, and say why one cannot be written."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unlearnable.errors import OutputError, UnlearnableError
from unlearnable.wording import storable

FULL = (errno.ENOSPC, errno.EDQUOT)  # no space left on the disk, or of the user's share of it
_PARTIAL = ".partial"
_GO_ON = ", then run the same command again, with --resume where it has one"
CHECK = "check free disk space and permissions"
ELSEWHERE = "choose another --output, in a folder that can be written"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on exit, flush that file to disk and rename it to `path`.

    The temporary name keeps the suffix, for writers that choose a format by it. An error in the
    block removes the temporary file and leaves `path` unchanged.

    Raises:
        OutputError: the folder cannot be created or the file cannot be written.
    """
    temporary = temporary_name(path)
    with reporting_write_errors(path):
        make_folder(path.parent)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    """Return the name that a file has while `atomic` writes it: another one for each file, however long its name."""
    stem, suffix = _shortened(path.stem), _shortened(path.suffix)
    if stem + suffix != path.name:  # photos of an album often differ in what is cut off
        stem += f"-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}"
    return path.with_name(f".{stem}{_PARTIAL}{suffix}")


def _shortened(name: str) -> str:
    """Return at most 80 bytes of a part of a file name: with all of it a temporary name might get too long."""
    return name.encode("utf-8", "ignore")[:80].decode("utf-8", "ignore")


@contextmanager
def reporting_write_errors(path: Path, hint: str = CHECK) -> Iterator[None]:
    """Re-raise any `OSError` in this block, and what a library makes of a full disk, as `OutputError` for `path`.

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
    """Return what to say of an error in writing `path`, with what to do where the disk is not full."""
    if error.errno in FULL:
        return OutputError(f"cannot write {path}: the disk is full", hint=f"free some space on it{_GO_ON}")
    return OutputError(f"cannot write {path}: {error.strerror or error}", hint=hint)


def full_disk(error: BaseException | None, path: object = "a file") -> OutputError | None:
    """Return what to say of an error that a full disk caused, however libraries wrapped it; None of any other.

    A disk that takes no changes any more counts as one.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in (*FULL, errno.EROFS):
            return write_error(error.filename or path, error)
        if "os error 28" in str(error):  # of a library in Rust, which wraps the number in a text
            return write_error(path, OSError(errno.ENOSPC, ""))
        error = error.__cause__ or error.__context__
    return None


def make_folder(folder: Path) -> None:
    """Create a folder and its parents where they are missing, and flush the entry of each to disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def is_temporary(path: Path) -> bool:
    """Return whether `path` is named like a file that `atomic` has not finished."""
    return path.name.startswith(".") and path.stem.endswith(_PARTIAL)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, in UTF-8 and with its newlines unchanged; half a surrogate pair is escaped."""
    write_bytes(path, storable(text).encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename survives a power failure; does nothing outside POSIX."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
