"""Files on a disk: what lies there, what the disk can take, atomic writes, and checksums."""

import errno
import hashlib
import json
import mmap
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from unlearnable.errors import InputError, OutputError, UnlearnableError
from unlearnable.wording import storable

CHECK = "check free disk space and permissions"
ELSEWHERE = "choose another `output`, in a folder that can be written"
FULL = (errno.ENOSPC, errno.EDQUOT)  # no space left on the disk, or in the user's share of it
SEAL = "sha256_of_rest"
_FREE_SPACE = "free some space on it, then run the same command again, with `resume=True` where it has one"
_PARTIAL = ".partial"
_LONGEST = 255  # bytes of a name
_TRAILER = b"\nsha256 "
_TRAILER_LENGTH = len(_TRAILER) + 64


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
    """Open a regular file to read its bytes; a pipe, which might never give any, is not waited for."""
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


def missing(path: Path) -> InputError:
    """Return the error for a path of the user's where nothing is."""
    where = "" if path.is_absolute() else f": it would be {path.absolute()}"
    return InputError(f"there is no file or folder {path}", hint=f"check the path{where}")


def exists_already(path: Path) -> OutputError:
    """Return the error for an output that would be replaced without having been asked for."""
    return OutputError(f"{path} exists already", hint="use `overwrite=True` or choose another `output`")


def refuse_others(folder: Path, record: str, *names: str) -> None:
    """Refuse to replace the record of a study, or files beside it, where neither cells nor a record of some are."""
    with suppress(OSError, ValueError, TypeError), open_regular(folder / record) as file:
        if "cells" in json.load(file):
            return
    for path in (folder / name for name in (record, *names)):
        if os.path.lexists(path) and not (folder / "cells").is_dir():
            hint = "move it elsewhere, or choose another `output`"
            raise OutputError(f"{path} was not made by this command", hint=hint)


# What the disk can take


def check_writable(folder: Path, hint: str = CHECK) -> None:
    """Create a folder and check that files can be written there, before hours of work depend on it."""
    with reporting_write_errors(folder, hint):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # under a unique name: several processes may check at once
            pass


def can_exist(path: Path) -> bool:
    """Return whether no name in a path is too long for a file system."""
    return all(len(os.fsencode(name)) <= _LONGEST for name in path.parts)


def free_space(path: Path) -> int:
    """Return the bytes that are free where `path` is or would be made."""
    return shutil.disk_usage(next(filter(os.path.isdir, (path.absolute(), *path.absolute().parents)))).free


def check_space(folder: Path, needed: int) -> None:
    """Check that so many bytes are free where a folder is or would be made."""
    if (free := free_space(folder)) < needed:
        raise OutputError(
            f"{folder} takes about {needed / 1e6:,.0f} MB, but {free / 1e6:,.0f} MB are free on its disk",
            hint="free some space, or choose another `output`",
        )


def reserve(path: Path, size: int) -> None:
    """Make a file of zeros whose whole size is on the disk, or complete one of that size.

    A file with holes, once it is mapped, kills the process that writes where no space is left.
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
    stem, suffix = (part.encode("utf-8", "ignore")[:80].decode("utf-8", "ignore") for part in (path.stem, path.suffix))
    if stem + suffix != path.name:  # photos of an album often differ in what is cut off
        stem += f"-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}"
    return path.with_name(f".{stem}{_PARTIAL}{suffix}")


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
    """Re-raise any `OSError` in this block, and a library's own error on a full disk, as `OutputError` for `path`."""
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


# Checksums


def sha256(path: Path) -> str:
    """Return the hex SHA-256 of a regular file's bytes."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(path: Path, sums: Mapping[str, Iterable[str]]) -> None:
    """Write a SHA256SUMS file atomically; names that are not text are in it as the file system has them."""
    write_bytes(path, format_sums(sums).encode("utf-8", "surrogateescape"))


def format_sums(sums: Mapping[str, Iterable[str]]) -> str:
    """Return the text of a SHA256SUMS file as coreutils write it: names with special characters are escaped."""
    lines = []
    for name, digests in sorted(sums.items()):
        escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        mark = "" if escaped == name else "\\"
        lines += [f"{mark}{digest}  {escaped}\n" for digest in sorted(digests)]
    return "".join(lines)


def parse_sums(text: str) -> dict[str, set[str]]:
    """Return the checksums of each name in a SHA256SUMS file; malformed lines are ignored."""
    sums: dict[str, set[str]] = {}
    for line in text.split("\n"):
        escaped, line = line.startswith("\\"), line.removeprefix("\\")
        digest, gap, name = line[:64], line[64:66], line[66:]
        if escaped:
            name = re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), name)
        if gap == "  " and name:
            sums.setdefault(name, set()).add(digest)
    return sums


def seal_file(path: Path) -> None:
    """Append the checksum of a file to it; zip files, and so checkpoints of torch, may be followed by such a line."""
    digest = sha256(path)
    with path.open("ab") as file:
        file.write(_TRAILER + digest.encode("ascii"))


def is_intact(path: Path) -> bool:
    """Return whether a file, which is not empty, ends with the checksum of all that stands before it."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        size = max(0, len(content) - _TRAILER_LENGTH)
        with memoryview(content) as whole, whole[:size] as sealed:
            return content[size:] == _TRAILER + hashlib.sha256(sealed).hexdigest().encode("ascii")


def seal_json(content: Mapping[str, Any]) -> str:
    """Return an object as a line of JSON that holds the checksum of all its other fields."""
    return json.dumps({**content, SEAL: _digest(content)}) + "\n"


def unseal_json(text: str | bytes) -> dict[str, Any]:
    """Return the object in a text of `seal_json`, without its checksum.

    Raises:
        ValueError: the text is not a JSON object, or the checksum does not fit.
    """
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    seal = content.pop(SEAL, None)
    if seal is not None and seal != _digest(content):
        raise ValueError("the checksum does not fit")
    return content


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
