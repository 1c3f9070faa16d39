"""An undo journal: the previous content of changed parts of a file, to roll it back to its last checkpoint.

With it a checkpoint need not hold the file a second time; databases call it a rollback journal. It names the
checkpoint that it restores, and an entry is on disk before its part of the file changes, so that the file
can be rolled back even after `kill -9` or a power failure.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from unlearnable.disk import files

_NUMBER = struct.Struct("<q")
_HEADER = struct.Struct("<qqL")  # start and length of a part, in bytes, and the CRC-32 of both and of what it held


class Journal:
    """The parts of a file as they were at a checkpoint, each recorded once.

    Args:
        path: path of the journal, which `begin` creates.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        self._recorded: set[int] = set()

    def begin(self, checkpoint: int) -> None:
        """Start a new undo log for `checkpoint`, which the file matches now.

        Raises:
            OutputError: the journal cannot be written.
        """
        files.write_bytes(self._path, _NUMBER.pack(checkpoint))
        self._begun, self._recorded = True, set()

    def keep(self, start: int, before: bytes) -> None:
        """Record the part of the file at `start`, which held `before` and is about to change.

        Does nothing if the part is recorded already or no log was started.

        Raises:
            OutputError: the journal cannot be written.
        """
        if not self._begun or start in self._recorded:
            return
        with files.reporting_write_errors(self._path), self._path.open("ab", buffering=0) as file:
            file.write(_HEADER.pack(start, len(before), _checksum(start, before)) + before)
            os.fsync(file.fileno())
        self._recorded.add(start)

    def entries(self, checkpoint: int) -> Iterator[tuple[int, bytes]]:
        """Yield the start and previous content of each part, if this journal restores `checkpoint`; else nothing.

        They end before an entry that is cut off, whose part of the file has not changed yet, or damaged: whoever rolls
        back has to check what comes out.
        """
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            if file.read(_NUMBER.size) != _NUMBER.pack(checkpoint):
                return
            while len(header := file.read(_HEADER.size)) == _HEADER.size:
                start, length, checksum = _HEADER.unpack(header)
                before = file.read(length) if 0 <= length <= self._path.stat().st_size else b""
                if checksum != _checksum(start, before):
                    return
                yield start, before

    def end(self) -> None:
        """Remove the journal; the file can no longer be rolled back."""
        self._begun, self._recorded = False, set()
        self._path.unlink(missing_ok=True)


def _checksum(start: int, before: bytes) -> int:
    return zlib.crc32(before, zlib.crc32(struct.pack("<qq", start, len(before))))
