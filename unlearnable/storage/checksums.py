"""SHA-256 of files, SHA256SUMS files, and files and JSON that hold a checksum of themselves."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from unlearnable.storage.files import open_regular, write_bytes

SEAL = "sha256_of_rest"
_TRAILER = b"\nsha256 "
_TRAILER_LENGTH = len(_TRAILER) + 64


def sha256(path: Path, size: int | None = None) -> str:
    """Return the hex SHA-256 of a file's bytes, or of its first `size` bytes.

    Raises:
        OSError: it cannot be read, or is not a regular file.
    """
    with open_regular(path) as file:
        if size is None:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        while size and (block := file.read(min(size, 1 << 20))):
            digest.update(block)
            size -= len(block)
        return digest.hexdigest()


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
    """Return whether a file ends with the checksum of all that stands before it."""
    size = path.stat().st_size - _TRAILER_LENGTH
    if size < 0:
        return False
    with path.open("rb") as file:
        file.seek(size)
        return file.read() == _TRAILER + sha256(path, size).encode("ascii")


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
