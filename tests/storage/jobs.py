"""What the workers of the tests are asked."""

from __future__ import annotations

import os
import time
from pathlib import Path

from unlearnable.errors import OutputError
from unlearnable.imaging import opening
from unlearnable.imaging.decode import DecodeError, decode


def patient(job: tuple[int, float]) -> tuple[int, float, float]:
    """Return a number after so many seconds, and when that began and ended."""
    began = time.monotonic()
    time.sleep(job[1])
    return job[0], began, time.monotonic()


def failing(kind: str) -> int:
    if kind == "decode":
        raise DecodeError("truncated", "it ends early")
    if kind == "output":
        raise OutputError("the disk is full", hint="free some space")
    if kind == "bug":
        return int("no number")
    if kind == "end":
        os._exit(3)
    return os.getpid()


def sleeping(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(100)


def width_within(job: tuple[Path, float, int]) -> int:
    path, opening.SECONDS, opening.MEMORY = job
    return decode(path).width


def ending(_: object) -> None:
    os._exit(3)
