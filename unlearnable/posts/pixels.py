"""The posts as the optimisation sees them: working copies of the photos, captions as tokens around a trigger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unlearnable import files
from unlearnable.models.tokens import CONTEXT, Slot, tokenizer

Pixel = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]


class Pixels:
    """Working copies of photos, uint8, each of its own size, in one file of which only what is asked for is read.

    Args:
        path: a new file; the caller removes it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = [0]
        self.shapes: list[tuple[int, int]] = []
        path.write_bytes(b"")

    @classmethod
    def reopen(cls, path: Path, shapes: Sequence[tuple[int, int]]) -> Pixels:
        """The photos, of these heights and widths, in a file that was filled before."""
        pixels = cls.__new__(cls)
        pixels._path, pixels.shapes = path, list(shapes)
        pixels._starts = [0, *accumulate(3 * height * width for height, width in shapes)]
        return pixels

    def first(self, count: int) -> Pixels:
        """The first `count` photos, in the same file."""
        return Pixels.reopen(self._path, self.shapes[:count])

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, photo: int) -> Tensor:
        """(3, h, w) float, whole numbers 0-255."""
        start, end = self._starts[photo], self._starts[photo + 1]
        flat = np.fromfile(self._path, np.uint8, count=end - start, offset=start)
        return torch.from_numpy(flat).view(3, *self.shapes[photo]).float()

    def sha256(self) -> str:
        """Of the pixels and sizes of all photos."""
        return f"{files.sha256(self._path)} {self.shapes}"

    def append(self, pixels: Pixel) -> None:
        """Add the (h, w, 3) pixels of the next photo."""
        with self._path.open("ab") as file:
            file.write(np.ascontiguousarray(pixels.transpose(2, 0, 1)).tobytes())
        self._starts.append(self._starts[-1] + pixels.size)
        self.shapes.append((pixels.shape[0], pixels.shape[1]))


@dataclass(frozen=True)
class Posts:
    """Photos with the captions on them.

    Attributes:
        pixels: the working copies.
        slots: for each photo its captions, cut where the trigger goes.
    """

    pixels: Pixels
    slots: tuple[tuple[Slot, ...], ...]

    def __len__(self) -> int:
        return len(self.slots)

    def first(self, count: int) -> Posts:
        """The first `count` posts."""
        return Posts(self.pixels, self.slots[:count])

    def choose(self, photos: Sequence[int], generator: torch.Generator) -> list[Slot]:
        """One caption of each photo, drawn."""
        draws = torch.rand(len(photos), generator=generator, dtype=torch.float64).tolist()
        return [self.slots[n][int(u * len(self.slots[n]))] for n, u in zip(photos, draws, strict=True)]


def tokens_of(slots: Sequence[Slot], triggers: Tensor) -> tuple[Tensor, Tensor]:
    """Token ids of captions with their triggers, padded to the longest of the batch.

    Args:
        slots: b captions.
        triggers: (b, k) token ids.

    Returns:
        tokens (b, t) and the place of each trigger's first token (b,).
    """
    start, end = tokenizer().sot_token_id, tokenizer().eot_token_id
    rows = [
        [start, *slot.head, *trigger, *slot.tail, end] for slot, trigger in zip(slots, triggers.tolist(), strict=True)
    ]
    longest = max(map(len, rows))
    if longest > CONTEXT:
        raise ValueError(f"a caption of {longest} tokens is beyond the context of {CONTEXT}")
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return tokens, torch.tensor([1 + len(slot.head) for slot in slots])
