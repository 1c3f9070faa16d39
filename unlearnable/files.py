"""Write files atomically, and compute and list their checksums."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from unlearnable.errors import OutputError
from unlearnable.escapes import storable

_PARTIAL = ".partial"


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
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    """Return the name that a file has while `atomic` writes it."""
    stem, suffix = _shortened(path.stem), _shortened(path.suffix)
    return path.with_name(f".{stem}{_PARTIAL}{suffix}")


def _shortened(name: str) -> str:
    """Return at most 80 bytes of a part of a file name: with all of it a temporary name might get too long."""
    return name.encode("utf-8", "ignore")[:80].decode("utf-8", "ignore")


@contextmanager
def reporting_write_errors(path: Path) -> Iterator[None]:
    """Re-raise any `OSError` in this block as `OutputError` for `path`."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}", hint="check free disk space and permissions"
        ) from error


def check_writable(folder: Path) -> None:
    """Create a folder and check that files can be written there, before hours of work depend on it.

    Raises:
        OutputError: the folder cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # under a unique name: several processes may check at once
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write in {folder}: {error.strerror or error}", hint="check free disk space and permissions"
        ) from error


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


def can_exist(path: Path) -> bool:
    """Return whether the file system could hold a file of this path: whether no name in it, nor all of it, is too long.

    Nothing is written. The folders of the path need not exist.
    """
    existing = _nearest_folder(path)
    parts = path.absolute().relative_to(existing).parts
    for tried in (path, temporary_name(path), *(existing / part for part in parts)):
        try:
            tried.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError):
            return False
    return True


def free_space(path: Path) -> int:
    """Return the bytes that are free where `path` is or would be made."""
    return shutil.disk_usage(_nearest_folder(path)).free


def _nearest_folder(path: Path) -> Path:
    """Return the nearest folder on the way to `path` that exists."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if os.path.isdir(folder))  # noqa: PTH112  (False where a name is too long)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename survives a power failure; does nothing outside POSIX."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_sums(path: Path, sums: Mapping[str, Iterable[str]]) -> None:
    """Write a SHA256SUMS file atomically; names that are no text are in it as the file system has them."""
    write_bytes(path, format_sums(sums).encode("utf-8", "surrogateescape"))


def format_sums(sums: Mapping[str, Iterable[str]]) -> str:
    """Return the text of a SHA256SUMS file as coreutils write it: names with special characters are escaped."""
    lines = []
    for name, digests in sorted(sums.items()):
        escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        lines += [f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n" for digest in sorted(digests)]
    return "".join(lines)


def parse_sums(text: str) -> dict[str, set[str]]:
    """Return the checksums of each name in a SHA256SUMS file; malformed lines are ignored."""
    sums: dict[str, set[str]] = {}
    for line in text.split("\n"):
        escaped, line = line.startswith("\\"), line.removeprefix("\\")
        digest, gap, name = line[:64], line[64:66], line[66:]
        if gap != "  " or not name:
            continue
        if escaped:
            name = re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), name)
        sums.setdefault(name, set()).add(digest)
    return sums


def sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
