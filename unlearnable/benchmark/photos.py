"""A cache of decoded photos: a data set is decoded once into a file of pixels that later runs reuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel

from unlearnable.benchmark.plan import digest
from unlearnable.benchmark.suites.base import Item
from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.report import SkippedRecord
from unlearnable.storage import checksums, files
from unlearnable.storage.checkpoint import Clock
from unlearnable.storage.progress import Progress
from unlearnable.training.pixels import Pixels, Ragged


class _Index(BaseModel):
    """The photos of a file, and the hex SHA-256 of their pixels; None in files of earlier versions."""

    shapes: list[tuple[int, int]]
    kept: list[int]
    skipped: list[SkippedRecord]
    sha256: str | None = None


@dataclass(frozen=True)
class DecodedPhotos:
    """Decoded photos; photo n belongs to `items[n]`."""

    pixels: Pixels
    items: tuple[Item, ...]
    skipped: tuple[SkippedRecord, ...]

    @property
    def captions(self) -> list[tuple[str, ...]]:
        """The captions of each photo."""
        return [item.captions for item in self.items]

    def sha256(self) -> str:
        """Return a hex SHA-256 that the sizes, pixels and captions of all photos decide."""
        return digest(self.pixels.sha256(), self.captions)


def decoded(items: Sequence[Item], side: int, folder: Path, progress: Progress) -> DecodedPhotos:
    """Return photos as squares of at most `side` pixels, from the cache if it holds them.

    The cache is keyed by the content of the files, so that a changed photo is decoded again. Of several
    processes one decodes the photos while the others wait. Decoding that was stopped resumes where
    its index was last written.

    Args:
        items: photos to decode; those that cannot be decoded are left out.
        side: side of the square in pixels; smaller photos are not enlarged.
        folder: folder of the cache.
        progress: receives one step per photo.

    Raises:
        InputError: none of the photos can be decoded.
    """
    path = folder / f"{_key(items, side, progress)}.u8"
    with files.reporting_write_errors(path, "choose another --cache-dir"), _alone(path):
        index = _read(path)
        if index is None:
            if path.is_file():
                progress.note(f"the decoded photos in {path} are damaged: they are decoded again")
            index = _build(items, side, path, progress)
    usable = tuple(items[n] for n in index.kept)
    return DecodedPhotos(Pixels(path, index.shapes), usable, tuple(index.skipped))


def _key(items: Sequence[Item], side: int, progress: Progress) -> str:
    progress.phase("checking photos", len(items))
    contents = []
    for item in items:
        contents.append((item.photo.id, item.photo.sha256()))
        progress.advance()
    return digest("squares", side, contents)[:16]


def _alone(path: Path) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_suffix(".lock"))


def square(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the central square of (h, w, 3) pixels, at most `side` wide: resized, then cropped, as CLIP does."""
    height, width, _ = pixels.shape
    edge = min(side, height, width)
    scale = edge / min(height, width)
    size = max(edge, round(width * scale)), max(edge, round(height * scale))
    small = (
        Image.fromarray(pixels)
        if size == (width, height)
        else Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    )
    left, top = (size[0] - edge) // 2, (size[1] - edge) // 2
    return np.asarray(small.crop((left, top, left + edge, top + edge)))


def _build(items: Sequence[Item], side: int, path: Path, progress: Progress) -> _Index:
    progress.phase("decoding photos", len(items))
    partial, clock = path.with_suffix(".partial.u8"), Clock()
    index = _begun(partial)
    pixels, done = Pixels(partial, index.shapes), len(index.kept) + len(index.skipped)
    progress.advance(done)
    for number, item in enumerate(items[done:], done):
        try:
            pixels.append(square(decode(item.photo.path).pixels, side))
            index.kept.append(number)
        except DecodeError as error:
            index.skipped.append(SkippedRecord(where=item.photo.id, reason=error.reason, detail=error.detail))
        index.shapes = pixels.shapes
        progress.advance()
        clock.tick(lambda: _write(partial, index, partial))
    if not index.kept:
        first = index.skipped[0]
        raise InputError(f"no photo can be read; {first.where}: {first.reason} ({first.detail})")
    _write(path, index, partial)
    with files.atomic(path) as whole:
        partial.replace(whole)
    _index(partial).unlink(missing_ok=True)
    return index


def _begun(partial: Path) -> _Index:
    """Return the index of decoding that was stopped, and truncate its file to it; an empty one if there is none."""
    index = _read(partial) or _Index(shapes=[], kept=[], skipped=[])
    with partial.open("ab") as file:
        file.truncate(_size(index))
    return index


def _index(path: Path) -> Path:
    return path.with_suffix(".json")


def _write(path: Path, index: _Index, pixels: Path) -> None:
    """Write the index of a file, whose pixels lie at `pixels` still."""
    index.sha256 = checksums.sha256(pixels, _size(index))
    files.write_text(_index(path), checksums.seal_json(index.model_dump(mode="json")))


def _read(path: Path) -> _Index | None:
    """Return the index of a file, or None if it is missing or damaged, or pixels are."""
    try:
        index = _Index.model_validate(checksums.unseal_json(_index(path).read_bytes()))
        whole = path.stat().st_size >= _size(index) and index.sha256 in (None, checksums.sha256(path, _size(index)))
    except (OSError, ValueError):
        return None
    return index if whole else None


def _size(index: _Index) -> int:
    return Ragged(index.shapes).size
