"""Checkpoints: files replaced atomically, each with a checksum and the key of the run that it belongs to."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unlearnable.errors import CheckpointError
from unlearnable.storage import files

VERSION = 8
EVERY = 120.0  # seconds between checkpoints within a round or an epoch
SOON = 10.0  # seconds between checkpoints at the ends of rounds or epochs, which are worth more than writing one takes
_QUICK = 0.3  # seconds that writing one may take for that: a thirtieth of the run
_LARGE = 1 << 16  # values of a matrix that is searched for rows of zeros
_ROWS, _VALUES, _COUNT = "rows that are not zero", "their values", "number of all rows"  # of such a matrix
_REMEDY = "remove it to start over"


class Clock:
    """A timer for checkpoints, due every `EVERY` seconds, or `SOON` seconds at the end of a round or an epoch.

    Where writing one takes long, as for a large model, the ends of rounds count less.
    """

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._took = 0.0

    def tick(self, write: Callable[[], None], *, at_end: bool = False) -> None:
        """Write a checkpoint if another one is due, here or at the end of a round, and restart the timer then."""
        soon = SOON * max(1.0, self._took / _QUICK)
        began = time.monotonic()
        if began - self._last >= (min(soon, EVERY) if at_end else EVERY):
            write()
            self._last, self._took = began, time.monotonic() - began


def save(path: Path, run: str, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, strings) atomically, with a checksum; `run` is a hash of settings and data."""
    import torch

    with files.atomic(path) as temporary:
        with temporary.open("wb") as file:  # Python's own, which says why it cannot write
            torch.save({"version": VERSION, "run": run, "state": _packed(state)}, file)
        files.seal_file(temporary)


def load(path: Path, run: str) -> dict[str, Any]:
    """Return the state in a checkpoint. Its tensors are mapped from the file: copy those that must outlive it.

    Raises:
        CheckpointError: the checkpoint is damaged, or was made by another version, with other settings or other data.
    """
    import torch

    try:
        intact = files.is_intact(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        version, saved_run, state = content["version"], content["run"], content["state"]
    except Exception as error:  # torch.load raises many kinds for a damaged file
        raise CheckpointError(f"{path} cannot be read as a checkpoint", hint=_REMEDY) from error
    if version != VERSION:
        raise CheckpointError(f"{path} was written by another version of this program", hint=_REMEDY)
    if not intact:
        raise CheckpointError(f"{path} is damaged: its content does not match its checksum", hint=_REMEDY)
    if saved_run != run:
        hint = f"use the same settings and photos, or {_REMEDY}"
        raise CheckpointError(f"{path} belongs to other settings or other photos", hint=hint)
    result: dict[str, Any] = _unpacked(state)
    return result


def _packed(value: Any) -> Any:
    """Return a state whose large matrices that are mostly rows of zeros, as the moments of a token table, lack these.

    PyTorch's own sparse tensors would do, but since version 2.15 it warns of each file that holds one.
    """
    if isinstance(value, dict):
        return {key: _packed(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_packed, value))
    if getattr(value, "ndim", 0) != 2 or value.numel() < _LARGE:
        return value
    rows = value.any(dim=1).nonzero()[:, 0]
    return {_ROWS: rows, _VALUES: value[rows], _COUNT: len(value)} if 2 * len(rows) < len(value) else value


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {_ROWS, _VALUES, _COUNT}:
        values = value[_VALUES]
        return values.new_zeros(value[_COUNT], values.shape[1]).index_copy_(0, value[_ROWS], values)
    if isinstance(value, dict):
        return {key: _unpacked(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_unpacked, value))
    return value
