"""Files that are written whole or not at all, and their checksums."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from unlearnable.errors import OutputError

_PARTIAL = ".partial"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on leaving, flush it to disk and rename it there.

    The temporary name keeps the suffix, so that writers which go by it still work. A
    failure inside removes the temporary file and leaves what was at `path` as it was.

    Raises:
        OutputError: the folder cannot be made or the file cannot be written.
    """
    temporary = path.with_name(f".{path.stem[:80]}{_PARTIAL}{path.suffix}")
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
    """Make a folder and see that files can be written there, before hours of work end in it.

    Raises:
        OutputError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # of a name of its own: several processes may look at once
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write in {folder}: {error.strerror or error}", hint="check free disk space and permissions"
        ) from error


def is_temporary(path: Path) -> bool:
    """Whether `path` has the name of a file that `atomic` had not finished."""
    return path.name.startswith(".") and path.stem.endswith(_PARTIAL)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, in UTF-8 and with the newlines it has."""
    write_bytes(path, text.encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, so that a rename outlives a power failure; POSIX alone has this."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def format_sums(sums: Mapping[str, Iterable[str]]) -> str:
    """Return the text of a SHA256SUMS file, as coreutils write it: names with odd characters are escaped."""
    lines = []
    for name, known in sorted(sums.items()):
        escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        lines += [f"{'' if escaped == name else chr(92)}{one}  {escaped}\n" for one in sorted(known)]
    return "".join(lines)


def parse_sums(text: str) -> dict[str, set[str]]:
    """Return the checksums of each name in a SHA256SUMS file; lines of another form are left out."""
    sums: dict[str, set[str]] = {}
    for line in text.split("\n"):
        escaped, line = line.startswith("\\"), line.removeprefix("\\")
        one, gap, name = line[:64], line[64:66], line[66:]
        if gap != "  " or not name:
            continue
        if escaped:
            name = re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), name)
        sums.setdefault(name, set()).add(one)
    return sums


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
