"""Stdout and stderr as the program finds them: with an encoding that lacks letters, closed, or left by their reader."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any


def prepare_streams() -> None:
    """Make stdout and stderr such that neither what is printed nor who reads it can end a command."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            _lead_nowhere(name)
        else:
            _outlive_reader(name)
    if isinstance(sys.stdout, io.TextIOWrapper):  # on stderr Python does so by itself
        sys.stdout.reconfigure(errors="backslashreplace")  # what its encoding lacks


def _lead_nowhere(name: str) -> None:
    """Open a stream that the caller has closed (`2>&-`), so that nothing else gets there."""
    setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (as long as it runs)


def _outlive_reader(name: str) -> None:
    """Let what is written to a pipe go nowhere once its reader is gone, as `head -1` is after the first line.

    A run is not lost by it, and the exit code says of the work what it always says.
    """
    stream = getattr(sys, name)
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # of an unbuffered stream (`python -u`) the buffer is the file itself
    if type(raw) is not io.FileIO:  # what a test put there, or the console of Windows
        return
    file: Any = _Outliving(raw.fileno(), "w", closefd=False)
    outliving = io.TextIOWrapper(
        file if buffer is raw else io.BufferedWriter(file),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    setattr(sys, name, outliving)


class _Outliving(io.FileIO):
    """A file that takes what nobody reads any more."""

    def write(self, data: Any, /) -> int:
        """Write bytes, or nothing where the reader is gone."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(memoryview(data).cast("B"))
