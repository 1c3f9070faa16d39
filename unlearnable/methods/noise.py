"""The noise of all photos in a mapped file, with an undo journal back to a checkpoint, and one step on it."""

import hashlib
import os
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import uniform_filter
from torch import Tensor

from unlearnable.errors import CheckpointError
from unlearnable.storage import files
from unlearnable.training.data import Ragged, Shape

UNDO = ".undo"  # suffix of the journal beside the noise
_NUMBER = struct.Struct("<q")
START_OVER = "start over: with `overwrite=True`, or a benchmark without `resume=True`"
_HEADER = struct.Struct("<qqL")  # start and length of a part, in bytes, and the CRC-32 of both and of what it held


class _Journal:
    """The parts of a file as they were at a checkpoint, each recorded once; `begin` creates its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        self._recorded: set[int] = set()

    def begin(self, checkpoint: int) -> None:
        """Start a new undo log for `checkpoint`, which the file matches now."""
        files.write_bytes(self._path, _NUMBER.pack(checkpoint))
        self._begun, self._recorded = True, set()

    def keep(self, start: int, before: bytes) -> None:
        """Record the part of the file at `start`, which held `before` and is about to change, if it is not yet."""
        if not self._begun or start in self._recorded:
            return
        with files.reporting_write_errors(self._path), self._path.open("ab", buffering=0) as file:
            file.write(_HEADER.pack(start, len(before), _checksum(start, before)) + before)
            os.fsync(file.fileno())
        self._recorded.add(start)

    def entries(self, checkpoint: int) -> Iterator[tuple[int, bytes]]:
        """Yield the start and previous content of each part, if this journal restores `checkpoint`; else nothing.

        They end before an entry that is cut off, whose part of the file has not changed yet, or damaged: check the
        result.
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


Mark = dict[str, Any]  # what a checkpoint holds of the noise: its own number, and the hex SHA-256 of the noise then


def copy_noise(source: Path, target: Path) -> None:
    """Copy the file of a noise store and its undo journal, while nobody writes to it."""
    for suffix in (source.suffix, UNDO):
        if source.with_suffix(suffix).is_file():
            shutil.copyfile(source.with_suffix(suffix), target.with_suffix(suffix))


class NoiseStore:
    """The noise of every photo, int8 in units of 1/255, each (3, gh, gw) of its own size, in a mapped file.

    Photos in greys have one noise for all channels, read as (1, gh, gw), so that they stay grey and the gradient at
    it is the sum over the channels. The file holds three equal ones: whoever reads it need not know which are grey.

    Shapes are (gh, gw) of each photo's grid; epsilon is the L-inf bound in 1/255, at most 127. A file that is missing,
    or of another size, is filled with zeros. Groups of equal photos have one noise: what is written for one is for all.

    Raises:
        OutputError: there is no room for the file.
    """

    def __init__(
        self,
        shapes: Sequence[Shape],
        epsilon: int,
        path: Path,
        mode: Literal["r+", "r"] = "r+",
        *,
        grey: Iterable[int] = (),
        equal: Iterable[Sequence[int]] = (),
    ) -> None:
        self.epsilon = epsilon
        self._grey = frozenset(grey)
        self._sharing = {photo: group for group in equal for photo in group}
        self._ragged = Ragged(shapes)
        total = self._ragged.size
        self._fresh = mode != "r" and not (path.is_file() and path.stat().st_size == total)
        if mode != "r":
            files.reserve(path, total)
        self.data: np.memmap[tuple[int], np.dtype[np.int8]] = np.memmap(path, np.int8, mode, shape=(total,))
        self._journal = _Journal(path.with_suffix(UNDO))
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
        """Return a copy of a photo's noise (3, gh, gw), or (1, gh, gw) in greys, int8 in 1/255."""
        noise = np.array(self.data[self._ragged.part(photo)]).reshape(3, *self.shapes[photo])
        return noise[:1] if photo in self._grey else noise

    def read(self, photo: int) -> Tensor:
        """Return a copy of a photo's noise (3, gh, gw), or (1, gh, gw) in greys, float32 in 1/255."""
        return torch.from_numpy(self.grid(photo)).float()

    def write(self, photo: int, noise: Tensor) -> None:
        """Write the noise of a photo and of those of its content: (3, gh, gw), or (1, gh, gw) in greys, in 1/255.

        It is rounded and projected to the bound (the Proj of Eq. 5), and to greys on a grey photo.
        """
        if photo in self._grey:
            noise = noise.mean(dim=0).expand(3, -1, -1)
        projected = noise.round().clamp(-self.epsilon, self.epsilon).to(torch.int8)
        for part in map(self._ragged.part, self._sharing.get(photo, (photo,))):
            self._journal.keep(part.start, self.data[part].tobytes())
            self.data[part] = projected.flatten().numpy()

    def export(self) -> Mark:
        """Flush the noise to its file and return what the checkpoint that is about to be written holds of it."""
        self.data.flush()
        return {"number": self._checkpoint + 1, "sha256": self.sha256()}

    def sha256(self) -> str:
        """Return the hex SHA-256 of the noise of all photos."""
        return hashlib.sha256(self.data.data).hexdigest()

    def exported(self) -> None:
        """Mark the checkpoint as written; `restore` will roll back to it."""
        self._checkpoint += 1
        self._journal.begin(self._checkpoint)

    def restore(self, mark: Mark) -> None:
        """Roll the noise back to the last checkpoint, which holds this mark.

        Raises:
            CheckpointError: the file of the noise is missing, or it or its journal is damaged.
        """
        if self._fresh:
            gone = f"{self.data.filename} is gone, the noise that belongs to the checkpoint"
            raise CheckpointError(gone, hint=START_OVER)
        for start, before in self._journal.entries(mark["number"]):
            self.data[start : start + len(before)] = np.frombuffer(before, np.int8)
        self.data.flush()
        if self.sha256() != mark["sha256"]:
            damaged = f"{self.data.filename} or its journal is damaged: the noise is not that of the checkpoint"
            raise CheckpointError(damaged, hint=START_OVER)
        self._checkpoint = mark["number"]
        self._journal.begin(self._checkpoint)

    def finish(self) -> None:
        """Flush to disk and delete the undo journal."""
        self.data.flush()
        self._journal.end()


SMOOTH = 0.15  # weight of a place where the photo is even
USUAL = 8  # bound of the paper, in 1/255; what goes beyond it is for rough places
ROUGH = 12.0  # deviation of the brightness, in 1/255, from which on a photo is as rough as it need be
WINDOW = 7  # cells of the noise, along a side, that roughness is judged by
COARSE = 5  # cells, along a side, whose mean counts as coarse noise


def roughness(pixels: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return (1, gh, gw) how well each place of (3, h, w) pixels hides noise, 0 to 1: by how the brightness varies."""
    grey = F.interpolate(pixels.mean(dim=0)[None, None], size=shape, mode="area")[0]
    deviation = (_mean_around(grey**2, WINDOW) - _mean_around(grey, WINDOW) ** 2).clamp(min=0).sqrt()
    return (deviation / ROUGH).clamp(0, 1)


def signed_step(
    noise: Tensor, gradient: Tensor, size: float, epsilon: int, share: float = 1.0, rough: Tensor | None = None
) -> Tensor:
    """Take one step of projected gradient descent: Proj(noise - size * sign(gradient)) (Eq. 5), in 1/255.

    A negative size ascends. Only a share of the values is moved, those with the largest gradients. `rough` is how rough
    each place is (`roughness`): rough places come first, smooth ones keep to the usual bound where epsilon is above it,
    and are moved without what the gradient has in common around them: coarse waves are what people see in a sky.
    """
    if rough is not None:
        gradient = gradient - (1 - rough) * _mean_around(gradient, COARSE)
    if share < 1:
        strengths = gradient.abs() if rough is None else gradient.abs() * rough.clamp(min=SMOOTH)
        last = max(0, round((1 - share) * strengths.numel()) - 1)  # by NumPy, which takes a tenth of PyTorch's time
        gradient = gradient * (strengths >= float(np.partition(strengths.numpy(), last, axis=None)[last]))
    bound = _bound(epsilon, rough)
    return (noise - size * gradient.sign()).clamp(-bound, bound)


def _bound(epsilon: int, rough: Tensor | None) -> Tensor:
    """Return the bound of each place: `epsilon`; where that is above the usual one, down to that where it is smooth."""
    if rough is None or epsilon <= USUAL:
        return torch.tensor(float(epsilon))
    return USUAL + (epsilon - USUAL) * rough


def _mean_around(values: Tensor, window: int) -> Tensor:
    """Return the mean of a square window, of an odd number of places, around each of (c, h, w) values."""
    return torch.from_numpy(uniform_filter(values.numpy(), (1, window, window), mode="nearest"))
