"""The noise: one int8 array a photo in a single memory map, moved by signed steps and kept inside the bound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Shape = tuple[int, int]


class NoiseStore:
    """One noise a photo, int8 in units of 1/255, each (3, gh, gw) of its own size.

    Args:
        shapes: (gh, gw) of each photo's grid.
        epsilon: the L-inf bound in 1/255, at most 127.
        path: a file to map; without it the noise is held in memory.
        mode: of the map: "w+" for a new file of zeros, "r" for one that was filled before.
    """

    def __init__(
        self, shapes: Sequence[Shape], epsilon: int, path: Path | None = None, mode: Literal["w+", "r"] = "w+"
    ) -> None:
        self.shapes = tuple(shapes)
        self.epsilon = epsilon
        sizes = [3 * height * width for height, width in shapes]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        total = int(self._starts[-1])
        self.data: np.ndarray[tuple[int], np.dtype[np.int8]] = (
            np.zeros(total, np.int8) if path is None else np.memmap(path, np.int8, mode, shape=(total,))
        )

    def __len__(self) -> int:
        return len(self.shapes)

    def grid(self, photo: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.int8]]:
        """(3, gh, gw) int8 noise of a photo, in 1/255; a copy."""
        flat = np.array(self.data[self._starts[photo] : self._starts[photo + 1]])
        return flat.reshape(3, *self.shapes[photo])

    def read(self, photo: int) -> Tensor:
        """(3, gh, gw) float32 noise of a photo, in 1/255; a copy."""
        return torch.from_numpy(self.grid(photo)).float()

    def write(self, photo: int, noise: Tensor) -> None:
        """Store a photo's noise, rounded and projected to the bound (the Proj of Eq. 5)."""
        inside = noise.round().clamp(-self.epsilon, self.epsilon).to(torch.int8)
        self.data[self._starts[photo] : self._starts[photo + 1]] = inside.flatten().numpy()

    def flush(self) -> None:
        """See to it that a mapped file holds what was written."""
        if isinstance(self.data, np.memmap):
            self.data.flush()


def signed_step(noise: Tensor, gradient: Tensor, size: float, epsilon: int) -> Tensor:
    """One step of projected gradient descent: Proj(noise - size * sign(gradient)) (Eq. 5), in 1/255."""
    return (noise - size * gradient.sign()).clamp(-epsilon, epsilon)
