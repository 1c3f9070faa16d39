"""A cache of decoded photos: a data set is decoded once into a file of pixels that later runs reuse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeVar

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel
from torch import Tensor

from unlearnable.benchmark.plan import ProtectionRecipe, digest
from unlearnable.benchmark.suites import Item
from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.placement import grid_shape
from unlearnable.methods import METHODS
from unlearnable.methods.base import Problem, settings_for
from unlearnable.methods.captions import Captions
from unlearnable.methods.noise_store import NoiseStore
from unlearnable.methods.optimise import OptimisationTask, forget, optimise
from unlearnable.methods.proxies import load_proxies
from unlearnable.methods.words import load_words
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.report import ProtectionRecord, SkippedRecord
from unlearnable.report.common import StoredRecord
from unlearnable.settings import Enlargement
from unlearnable.storage import checksums, files
from unlearnable.storage.checkpoint import Clock
from unlearnable.storage.locks import alone
from unlearnable.storage.pool import process
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels, Posts, Ragged, Shape
from unlearnable.training.view import apply_noise
from unlearnable.verify.attacks.base import Attack
from unlearnable.verify.cells import Key, digest_of
from unlearnable.wording import counted


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
    with files.reporting_write_errors(path, "set UNLEARNABLE_CACHE to another folder"), _alone(path):
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


class Saved(StoredRecord):
    """A saved protection without its noise.

    Attributes:
        record: figures of the protection.
        triggers: concepts of each photo's trigger; empty for methods without a trigger.
        key: key that the protection depends on.
        noise_sha256: hex SHA-256 of the noise; None in files of earlier versions.
    """

    record: ProtectionRecord
    triggers: list[list[int]]
    key: dict[str, str | int | float | None]
    noise_sha256: str | None = None


@dataclass(frozen=True)
class ProtectionStore:
    """The files of a protection, which may not exist yet.

    Attributes:
        recipe: how the protection is made.
        folder: folder of all protections.
        key: everything that the protection depends on.
    """

    recipe: ProtectionRecipe
    folder: Path
    key: Key

    @property
    def digest(self) -> str:
        """The hex SHA-256 of the key."""
        return digest_of(self.key)

    @property
    def noise(self) -> Path:
        """The file of the noise."""
        return self._path("i8")

    @property
    def checkpoint(self) -> Path:
        """The checkpoint of a protection that is being made."""
        return self._path("partial")

    @property
    def lock(self) -> Path:
        """The file that the run which makes the protection holds."""
        return self._path("lock")

    def read(self) -> Saved | None:
        """Return the saved protection, or None if it or its noise is missing or damaged, or it has another key."""
        try:
            saved = Saved.model_validate(checksums.unseal_json(self._path("json").read_bytes()))
            intact = saved.noise_sha256 in (None, checksums.sha256(self.noise))
        except (OSError, ValueError):
            return None
        return saved if saved.key == dict(self.key) and intact else None

    @property
    def is_damaged(self) -> bool:
        """Whether a protection is there that `read` does not return, though its checkpoint is gone."""
        return self._path("json").is_file() and not self.checkpoint.is_file() and self.read() is None

    def write(self, record: ProtectionRecord, triggers: list[list[int]]) -> Saved:
        """Save a protection, once its noise is written: this file marks it as complete.

        Raises:
            OutputError: the noise is not there any more, or the file cannot be written.
        """
        with files.reporting_write_errors(self.noise):
            checksum = checksums.sha256(self.noise)
        saved = Saved(record=record, triggers=triggers, key=dict(self.key), noise_sha256=checksum)
        files.write_text(self._path("json"), checksums.seal_json(saved.model_dump(mode="json")))
        return saved

    def _path(self, kind: str) -> Path:
        return self.folder / f"{self.recipe.name}-{self.digest[:8]}.{kind}"


T = TypeVar("T")


def own_share(cells: Iterable[T], protection: Callable[[T], ProtectionStore | None]) -> list[T]:
    """Return the cells of this process: all of them, or those of its share of the protections.

    Args:
        cells: cells to run.
        protection: function that returns the store of a cell's protection; None for one without.
    """
    rank, size = process()
    digests = {cell: store.digest if (store := protection(cell)) else "" for cell in cells}
    order = list(dict.fromkeys(digests.values()))
    return [cell for cell, digest in digests.items() if order.index(digest) % size == rank]


def said_of_missing(cells: int) -> list[str]:
    """Return a note on cells that are not there, if any: other processes may be at work on theirs still."""
    if not cells:
        return []
    if process()[1] > 1:
        return [
            f"{counted(cells, 'cell')} not there yet, which the other processes compute: once they have ended, the "
            "same command writes all tables"
        ]
    return [f"{counted(cells, 'cell')} missing: run the same command to continue"]


def waiting(work: str, progress: Progress) -> Callable[[], None]:
    """Return what notes that another run does some work, which this one waits for."""
    return lambda: progress.note(f"another run {work}: waiting for it")


MEASURED = 200  # photos in the mean PSNR


@dataclass(frozen=True)
class Protection:
    """Noise and triggers of one method for all training photos.

    Attributes:
        noise: noise of each photo.
        captions: captions with their triggers, in the slots that these were optimised in.
    """

    noise: NoiseStore
    captions: Captions


@dataclass(frozen=True)
class Scraped:
    """Photos as the training of a cell loads them: some of them protected, in 8 bits, then changed by a scraper.

    Attributes:
        pixels: clean photos.
        protection: noise of the protected photos; None if there are none.
        protected: (n,) bool, the photos that are protected.
        attack: what a scraper does to the photos.
        enlarge: enlarging mode of the noise, "bilinear" or "nearest".
    """

    pixels: Pixels
    protection: Protection | None
    protected: Tensor
    attack: Attack
    enlarge: Enlargement

    def __getitem__(self, photo: int, /) -> Tensor:
        """Return the pixels (3, h, w) of a photo, whole numbers 0-255."""
        pixels = self.pixels[photo]
        if self.protection is not None and self.protected[photo]:
            pixels = apply_noise(pixels, self.protection.noise.read(photo), self.enlarge)
        before = pixels.byte().permute(1, 2, 0).numpy()
        after = self.attack.image(before)
        return pixels if after is before else torch.from_numpy(np.array(after.transpose(2, 0, 1))).float()


def make(
    store: ProtectionStore, photos: DecodedPhotos, surrogate: DualEncoder, *, resume: bool, progress: Progress
) -> Protection:
    """Return the protection of a store, making it first if it is missing, or waiting for a run that does.

    One that was stopped resumes from its last checkpoint with `resume`, and starts over without.
    """
    recipe = store.recipe
    slots = recipe.cut(photos.captions)
    with alone(store.lock, waiting(f"makes the protection {store.noise.name}", progress)):
        saved = store.read()
        if saved is None:
            if store.is_damaged:
                progress.note(f"the protection {store.noise.name} of an earlier run is damaged: it is made again")
            if not resume:
                forget(store.checkpoint)
            saved = _optimise(store, problem_of(store, photos, surrogate), progress)
        forget(store.checkpoint)  # also where a kill came between the two
    noise = NoiseStore(_grids(recipe, photos, surrogate), recipe.settings.epsilon, store.noise, "r")
    return Protection(noise, Captions(slots, saved.triggers, load_words(recipe.settings)))


def _grids(recipe: ProtectionRecipe, photos: DecodedPhotos, surrogate: DualEncoder) -> tuple[Shape, ...]:
    side = min(surrogate.image_size, recipe.noise_side or surrogate.image_size)
    return tuple(grid_shape(height, width, side) for height, width in photos.pixels.shapes)


def problem_of(store: ProtectionStore, photos: DecodedPhotos, surrogate: DualEncoder) -> Problem:
    """Return what the method of a store works on."""
    recipe = store.recipe
    return Problem(
        posts=Posts(photos.pixels, recipe.cut(photos.captions)),
        grids=_grids(recipe, photos, surrogate),
        captions=tuple(photos.captions),
        surrogates=(surrogate,),
        vocabulary=load_words(recipe.settings),
        seed=recipe.seed,
        noise_path=store.noise,
        proxies=load_proxies(recipe.settings, (surrogate.name,), str(surrogate.device)),
    )


def _optimise(store: ProtectionStore, problem: Problem, progress: Progress) -> Saved:
    recipe = store.recipe
    method = METHODS[recipe.name]()
    settings = settings_for(method, recipe.settings)
    task = OptimisationTask(problem, method, settings, store.checkpoint, store.digest)
    session, trace = optimise(task, progress, lambda losses: len(losses) >= recipe.settings.max_rounds)
    state = session.state
    state.noise.finish()
    record = ProtectionRecord(
        method=recipe.name,
        surrogate=problem.surrogates[0].name,
        loss_first=trace.losses[0],
        loss_last=trace.losses[-1],
        rounds=len(trace.losses),
        psnr_mean=_psnr(problem, state.noise, recipe.settings.enlarge),
        seconds=round(trace.seconds, 1),
    )
    return store.write(record, state.triggers.tolist() if state.triggers.shape[1] else [])


def _psnr(problem: Problem, noise: NoiseStore, enlarge: Enlargement) -> float:
    """Return the mean PSNR of the first photos, in dB."""
    pixels = problem.posts.pixels
    changes = [apply_noise(pixels[n], noise.read(n), enlarge) - pixels[n] for n in range(min(MEASURED, len(pixels)))]
    return fmean(10 * math.log10(255**2 / max(float((change**2).mean()), 1e-9)) for change in changes)
