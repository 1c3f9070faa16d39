"""Checkpoints: one file that is either the old one or the new one, bound to the run it belongs to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from unlearnable import files
from unlearnable.errors import CheckpointError

VERSION = 4
EVERY = 120.0  # seconds between checkpoints where nothing else asks for one


class Clock:
    """Says when it is time for another checkpoint: `EVERY` seconds after it last said so."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time; asked often."""
        now = time.monotonic()
        if now - self._last < EVERY:
            return False
        self._last = now
        return True


def save(path: Path, run: str, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, strings) atomically.

    Args:
        path: the checkpoint file.
        run: what the state depends on: a hash of settings and data.
        state: what `load` shall give back.
    """
    import torch

    with files.atomic(path) as temporary:
        torch.save({"version": VERSION, "run": run, "state": state}, temporary)


def load(path: Path, run: str) -> dict[str, Any]:
    """The state in a checkpoint; its tensors are read from the file where they are used, so copy what is to stay.

    Raises:
        CheckpointError: it cannot be read, or was made with other settings or other data.
    """
    import torch

    again = "remove it to start again"
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        version, found, state = content["version"], content["run"], content["state"]
    except Exception as error:  # torch.load raises many kinds for a damaged file
        raise CheckpointError(f"{path} cannot be read as a checkpoint", hint=again) from error
    if version != VERSION:
        raise CheckpointError(f"{path} is from another version of this program", hint=again)
    if found != run:
        raise CheckpointError(
            f"{path} belongs to other settings or other photos", hint=f"give the same ones, or {again}"
        )
    result: dict[str, Any] = state
    return result
