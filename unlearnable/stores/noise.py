"""The noise: one int8 array a photo in a single mapped file, moved by signed steps and kept inside the bound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from unlearnable.errors import CheckpointError
from unlearnable.stores.journal import Journal
from unlearnable.stores.ragged import Ragged, Shape


class NoiseStore:
    """One noise a photo, int8 in units of 1/255, each (3, gh, gw) of its own size, in a mapped file.

    Args:
        shapes: (gh, gw) of each photo's grid.
        epsilon: the L-inf bound in 1/255, at most 127.
        path: the file. What it holds is gone on with; where it is not there or of another size, it is made of zeros.
        mode: "r" for a file that is only read.
    """

    def __init__(self, shapes: Sequence[Shape], epsilon: int, path: Path, mode: Literal["r+", "r"] = "r+") -> None:
        self.epsilon = epsilon
        self._ragged = Ragged(shapes)
        total = self._ragged.size
        self._fresh = mode != "r" and not (path.is_file() and path.stat().st_size == total)
        self.data: np.memmap[tuple[int], np.dtype[np.int8]] = np.memmap(
            path, np.int8, "w+" if self._fresh else mode, shape=(total,)
        )
        self._journal = Journal(path.with_suffix(".undo"))
        self._checkpoint = 0
        if self._fresh:
            self._journal.end()

    def __len__(self) -> int:
        return len(self._ragged)

    @property
    def shapes(self) -> list[Shape]:
        """(gh, gw) of each photo's grid."""
        return self._ragged.shapes

    def grid(self, photo: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.int8]]:
        """(3, gh, gw) int8 noise of a photo, in 1/255; a copy."""
        return np.array(self.data[self._ragged.part(photo)]).reshape(3, *self.shapes[photo])

    def read(self, photo: int) -> Tensor:
        """(3, gh, gw) float32 noise of a photo, in 1/255; a copy."""
        return torch.from_numpy(self.grid(photo)).float()

    def write(self, photo: int, noise: Tensor) -> None:
        """Store a photo's noise, rounded and projected to the bound (the Proj of Eq. 5)."""
        inside = noise.round().clamp(-self.epsilon, self.epsilon).to(torch.int8)
        part = self._ragged.part(photo)
        self._journal.keep(part.start, self.data[part].tobytes())
        self.data[part] = inside.flatten().numpy()

    def export(self) -> int:
        """The number of the checkpoint that is about to be written: all of the noise is in its file."""
        self.data.flush()
        return self._checkpoint + 1

    def exported(self) -> None:
        """The checkpoint is written: from now on the noise can be led back to it."""
        self._checkpoint += 1
        self._journal.begin(self._checkpoint)

    def restore(self, checkpoint: int) -> None:
        """Bring the noise back to where it was at a checkpoint, the last one.

        Raises:
            CheckpointError: the file of the noise is gone.
        """
        if self._fresh:
            raise CheckpointError(f"the noise that belongs to the checkpoint is gone: {self.data.filename}")
        for start, before in self._journal.entries(checkpoint):
            self.data[start : start + len(before)] = np.frombuffer(before, np.int8)
        self.data.flush()
        self._checkpoint = checkpoint
        self._journal.begin(checkpoint)

    def finish(self) -> None:
        """See to it that the file holds what was written; there is no way back any more."""
        self.data.flush()
        self._journal.end()
