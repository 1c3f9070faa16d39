"""Compute checksums, and list them as coreutils do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from unlearnable.disk.entries import open_regular
from unlearnable.disk.files import write_bytes


def sha256(path: Path, size: int | None = None) -> str:
    """Return the hex SHA-256 of a file's bytes, or of its first `size` bytes.

    Raises:
        OSError: it cannot be read, or is no regular file.
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
