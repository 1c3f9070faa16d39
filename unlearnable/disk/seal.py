"""Checksums inside the files that a run goes on from, so that what was damaged on a disk is never taken as true.

A file or a text without a checksum was written by an earlier version and is taken as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearnable.disk import checksums

SEAL = "sha256_of_rest"
_TRAILER = b"\nsha256 "
_LENGTH = len(_TRAILER) + 64


class Damaged(ValueError):
    """A checksum that does not fit what it stands beside."""


def seal_file(path: Path) -> None:
    """Append the checksum of a file to it; zip files, and so checkpoints of torch, may be followed by such a line."""
    digest = checksums.sha256(path)
    with path.open("ab") as file:
        file.write(_TRAILER + digest.encode("ascii"))


def is_intact(path: Path) -> bool:
    """Return whether a file ends with the checksum of all that stands before it."""
    size = path.stat().st_size - _LENGTH
    if size < 0:
        return False
    with path.open("rb") as file:
        file.seek(size)
        return file.read() == _TRAILER + checksums.sha256(path, size).encode("ascii")


def seal_json(content: Mapping[str, Any]) -> str:
    """Return an object as a line of JSON that holds the checksum of all its other fields."""
    return json.dumps({**content, SEAL: _digest(content)}) + "\n"


def unseal_json(text: str | bytes) -> dict[str, Any]:
    """Return the object in a text of `seal_json`, without its checksum.

    Raises:
        ValueError: the text is not JSON.
        Damaged: it is not an object, or the checksum does not fit.
    """
    content = json.loads(text)
    if not isinstance(content, dict):
        raise Damaged("not an object")
    seal = content.pop(SEAL, None)
    if seal is not None and seal != _digest(content):
        raise Damaged("the checksum does not fit")
    return content


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
