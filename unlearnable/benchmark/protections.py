"""Decoded training photos, kept in the cache, and noise and triggers for them, made once for each method and kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

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
from unlearnable.methods.noise_store import NoiseStore
from unlearnable.methods.optimise import OptimisationTask, forget, optimise
from unlearnable.methods.proxies import load_proxies
from unlearnable.methods.words import Captions, load_words
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.report import ProtectionRecord, SkippedRecord
from unlearnable.report.common import StoredRecord
from unlearnable.storage import checksums, files
from unlearnable.storage.locks import locked
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels, Posts, Ragged, apply_noise
from unlearnable.verify.attacks.base import Attack
from unlearnable.verify.cells import Key, digest_of

MEASURED = 200  # photos in the mean PSNR


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


class _Index(BaseModel):
    """The photos of a file of the cache, and the hex SHA-256 of their pixels."""

    shapes: list[tuple[int, int]]
    kept: list[int]
    skipped: list[SkippedRecord]
    sha256: str = ""


def decoded(items: Sequence[Item], side: int, folder: Path, progress: Progress) -> DecodedPhotos:
    """Return photos as squares of at most `side` pixels, from the cache in `folder` if it holds them.

    The cache is keyed by the content of the files, so that a changed photo is decoded again. Of several
    processes one decodes the photos while the others wait. Photos that cannot be decoded are left out.

    Raises:
        InputError: none of the photos can be decoded.
    """
    progress.phase("checking photos", len(items))
    contents = []
    for item in items:
        contents.append((item.photo.id, item.photo.sha256()))
        progress.advance()
    path = folder / f"{digest('squares', side, contents)[:16]}.u8"
    with files.reporting_write_errors(path, "set UNLEARNABLE_CACHE to another folder"):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            index = _read_index(path)
            if index is None:
                if path.is_file():
                    progress.note(f"the decoded photos in {path} are damaged: they are decoded again")
                index = _decode(items, side, path, progress)
    return DecodedPhotos(Pixels(path, index.shapes), tuple(items[n] for n in index.kept), tuple(index.skipped))


def _read_index(path: Path) -> _Index | None:
    """Return the index of a file of the cache, or None if it or the pixels are missing or damaged."""
    try:
        index = _Index.model_validate(checksums.unseal_json(path.with_suffix(".json").read_bytes()))
        intact = path.stat().st_size == Ragged(index.shapes).size and index.sha256 == checksums.sha256(path)
    except (OSError, ValueError):
        return None
    return index if intact else None


def _decode(items: Sequence[Item], side: int, path: Path, progress: Progress) -> _Index:
    progress.phase("decoding photos", len(items))
    index = _Index(shapes=[], kept=[], skipped=[])
    with files.atomic(path) as temporary:
        pixels = Pixels.create(temporary)
        for number, item in enumerate(items):
            try:
                pixels.append(square(decode(item.photo.path).pixels, side))
                index.kept.append(number)
            except DecodeError as error:
                index.skipped.append(SkippedRecord(where=item.photo.id, reason=error.reason, detail=error.detail))
            progress.advance()
        if not index.kept:
            first = index.skipped[0]
            raise InputError(f"no photo can be read; {first.where}: {first.reason} ({first.detail})")
        index.shapes, index.sha256 = pixels.shapes, checksums.sha256(temporary)
    files.write_text(path.with_suffix(".json"), checksums.seal_json(index.model_dump(mode="json")))
    return index


def square(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the central square of (h, w, 3) pixels, at most `side` wide: resized, then cropped, as CLIP does."""
    height, width, _ = pixels.shape
    edge = min(side, height, width)
    scale = edge / min(height, width)
    size = max(edge, round(width * scale)), max(edge, round(height * scale))
    image = Image.fromarray(pixels)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - edge) // 2, (size[1] - edge) // 2
    return np.asarray(image.crop((left, top, left + edge, top + edge)))


class Saved(StoredRecord):
    """A saved protection without its noise."""

    record: ProtectionRecord
    triggers: list[list[int]]  # concepts of each photo's trigger; empty for methods without a trigger
    key: dict[str, str | int | float | None]  # all that the protection depends on
    noise_sha256: str


@dataclass(frozen=True)
class ProtectionStore:
    """The files of a protection, which may not exist yet; `key` is everything that it depends on."""

    recipe: ProtectionRecipe
    folder: Path
    key: Key

    @property
    def digest(self) -> str:
        """The hex SHA-256 of the key."""
        return digest_of(self.key)

    def path(self, kind: str) -> Path:
        """Return the file of the noise (i8), of the rest (json), the checkpoint (partial) or the lock."""
        return self.folder / f"{self.recipe.name}-{self.digest[:8]}.{kind}"

    def read(self) -> Saved | None:
        """Return the saved protection, or None if it or its noise is missing or damaged, or it has another key."""
        try:
            saved = Saved.model_validate(checksums.unseal_json(self.path("json").read_bytes()))
            intact = saved.noise_sha256 == checksums.sha256(self.path("i8"))
        except (OSError, ValueError):
            return None
        return saved if saved.key == dict(self.key) and intact else None

    def write(self, record: ProtectionRecord, triggers: list[list[int]]) -> Saved:
        """Save a protection, once its noise is written: this file marks it as complete."""
        with files.reporting_write_errors(self.path("i8")):
            checksum = checksums.sha256(self.path("i8"))
        saved = Saved(record=record, triggers=triggers, key=dict(self.key), noise_sha256=checksum)
        files.write_text(self.path("json"), checksums.seal_json(saved.model_dump(mode="json")))
        return saved


@dataclass(frozen=True)
class Protection:
    """Noise of all training photos, and their captions with triggers, in the slots that these were optimised in."""

    noise: NoiseStore
    captions: Captions


@dataclass(frozen=True)
class Scraped:
    """Photos as the training of a cell loads them: some of them protected, in 8 bits, then changed by a scraper."""

    pixels: Pixels  # clean photos
    protection: Protection | None
    protected: Tensor  # (n,) bool, the photos that are protected
    attack: Attack

    def __getitem__(self, photo: int, /) -> Tensor:
        pixels = self.pixels[photo]
        if self.protection is not None and self.protected[photo]:
            pixels = apply_noise(pixels, self.protection.noise.read(photo))
        before = pixels.byte().permute(1, 2, 0).numpy()
        after = self.attack.image(before)
        return pixels if after is before else torch.from_numpy(np.array(after.transpose(2, 0, 1))).float()


def waiting(work: str, progress: Progress) -> Callable[[], None]:
    """Return what notes that another run does some work, which this one waits for."""
    return lambda: progress.note(f"another run {work}: waiting for it")


def make(
    store: ProtectionStore, photos: DecodedPhotos, surrogate: DualEncoder, *, resume: bool, progress: Progress
) -> Protection:
    """Return the protection of a store, making it first if it is missing, or waiting for a run that does.

    One that was stopped resumes from its last checkpoint with `resume`, and starts over without.
    """
    recipe, checkpoint, noise = store.recipe, store.path("partial"), store.path("i8")
    side = min(surrogate.image_size, recipe.noise_side or surrogate.image_size)
    grids = tuple(grid_shape(height, width, side) for height, width in photos.pixels.shapes)
    slots, vocabulary = recipe.cut(photos.captions), load_words(recipe.settings)
    with locked(store.path("lock"), waiting(f"makes the protection {noise.name}", progress)):
        saved = store.read()
        if saved is None:
            if store.path("json").is_file() and not checkpoint.is_file():
                progress.note(f"the protection {noise.name} of an earlier run is damaged: it is made again")
            if not resume:
                forget(checkpoint)
            problem = Problem(
                posts=Posts(photos.pixels, slots),
                grids=grids,
                captions=tuple(photos.captions),
                surrogates=(surrogate,),
                vocabulary=vocabulary,
                seed=recipe.seed,
                noise_path=noise,
                proxies=load_proxies(recipe.settings, (surrogate.name,), str(surrogate.device)),
            )
            saved = _optimise(store, problem, progress)
        forget(checkpoint)  # also where a kill came between the two
    return Protection(
        NoiseStore(grids, recipe.settings.epsilon, noise, "r"), Captions(slots, saved.triggers, vocabulary)
    )


def _optimise(store: ProtectionStore, problem: Problem, progress: Progress) -> Saved:
    recipe = store.recipe
    method = METHODS[recipe.name]()
    settings = settings_for(method, recipe.settings)
    task = OptimisationTask(problem, method, settings, store.path("partial"), store.digest)
    session, trace = optimise(task, progress, lambda losses: len(losses) >= recipe.settings.max_rounds)
    state = session.state
    state.noise.finish()
    record = ProtectionRecord(
        method=recipe.name,
        surrogate=problem.surrogates[0].name,
        loss_first=trace.losses[0],
        loss_last=trace.losses[-1],
        rounds=len(trace.losses),
        psnr_mean=_psnr(problem, state.noise),
        seconds=round(trace.seconds, 1),
    )
    return store.write(record, state.triggers.tolist() if state.triggers.shape[1] else [])


def _psnr(problem: Problem, noise: NoiseStore) -> float:
    """Return the mean PSNR of the first photos, in dB."""
    pixels = problem.posts.pixels
    changes = [apply_noise(pixels[n], noise.read(n)) - pixels[n] for n in range(min(MEASURED, len(pixels)))]
    return fmean(10 * math.log10(255**2 / max(float((change**2).mean()), 1e-9)) for change in changes)
