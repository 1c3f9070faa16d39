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

_PARTIAL = ".partial"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on exit, flush that file to disk and rename it to `path`.

    The temporary name keeps the suffix, for writers that choose a format by it. An error in the
    block removes the temporary file and leaves `path` unchanged.

    Raises:
        OutputError: the folder cannot be created or the file cannot be written.
    """
    temporary = path.with_name(f".{path.stem[:80]}{_PARTIAL}{path.suffix}")
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


@contextmanager
def reporting_write_errors(path: Path) -> Iterator[None]:
    """Re-raise any `OSError` in this block as `OutputError` for `path`."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}", hint="check free disk space and permissions"
        ) from error


def make_folder(folder: Path) -> None:
    """Create a folder and its parents where they are missing, and flush the entry of each to disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


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
    """Write `text` to `path` atomically, in UTF-8 and with its newlines unchanged."""
    write_bytes(path, text.encode("utf-8"))


def free_space(path: Path) -> int:
    """Return the bytes that are free where `path` is or would be made."""
    existing = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(existing).free


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename survives a power failure; does nothing outside POSIX."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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


def sha256(path: Path, size: int | None = None) -> str:
    """Return the hex SHA-256 of a file's bytes, or of its first `size` bytes."""
    with path.open("rb") as file:
        if size is None:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        while size and (block := file.read(min(size, 1 << 20))):
            digest.update(block)
            size -= len(block)
        return digest.hexdigest()
