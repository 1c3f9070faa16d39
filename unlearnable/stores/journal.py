"""What a file held before it was changed, so that it can be brought back to where its last checkpoint was.

A checkpoint then need not hold the file a second time: a rollback journal, as databases have. It
names the checkpoint it leads back to, and an entry is on the disk before its part of the file is changed, so
neither `kill -9` nor a power failure leaves a file without its way back.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from unlearnable import files

_NUMBER = struct.Struct("<q")
_PLACE = struct.Struct("<qq")  # where a part begins, and its length


class Journal:
    """The parts of a file as they were at a checkpoint, each kept once.

    Args:
        path: of the journal; it is made by `begin`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        self._kept: set[int] = set()

    def begin(self, checkpoint: int) -> None:
        """Forget what was kept: the file is from now on led back to `checkpoint`, which it is at.

        Raises:
            OutputError: the journal cannot be written.
        """
        files.write_bytes(self._path, _NUMBER.pack(checkpoint))
        self._begun, self._kept = True, set()

    def keep(self, start: int, before: bytes) -> None:
        """Keep the part of the file that begins at `start`, which is about to be changed.

        Does nothing where it was kept before, or where there is no checkpoint to be led back to.

        Raises:
            OutputError: the journal cannot be written.
        """
        if not self._begun or start in self._kept:
            return
        with files.reporting_write_errors(self._path), self._path.open("ab", buffering=0) as file:
            file.write(_PLACE.pack(start, len(before)) + before)
            os.fsync(file.fileno())
        self._kept.add(start)

    def entries(self, checkpoint: int) -> Iterator[tuple[int, bytes]]:
        """What leads back to `checkpoint`: where a part begins, and what it held. Nothing where that is another's."""
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            if file.read(_NUMBER.size) != _NUMBER.pack(checkpoint):
                return
            while len(place := file.read(_PLACE.size)) == _PLACE.size:
                start, length = _PLACE.unpack(place)
                before = file.read(length)
                if len(before) == length:  # else it was cut off, and its part of the file not yet changed
                    yield start, before

    def end(self) -> None:
        """Remove the journal: there is nothing to be led back to."""
        self._begun, self._kept = False, set()
        self._path.unlink(missing_ok=True)
