"""The cells of a benchmark and what they need, each made once and kept: decoded photos, protections, results."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel
from torch import Tensor

from unlearnable.benchmark.suites import SEED, CellPlan, Item, ProtectionRecipe, Setup
from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.picture import grid_shape
from unlearnable.methods import METHODS
from unlearnable.methods.base import Problem, settings_for
from unlearnable.methods.noise import NoiseStore
from unlearnable.methods.optimise import OptimisationTask, forget, optimise
from unlearnable.methods.proxies import load_proxies, proxy_names
from unlearnable.methods.triggers import Captions, load_words
from unlearnable.models.dual_encoder import ENCODERS, DualEncoder
from unlearnable.report import BenchmarkCell, ProtectionRecord, SkippedRecord, StoredRecord
from unlearnable.settings import AS_PUBLISHED
from unlearnable.storage import files
from unlearnable.storage.pool import process
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pairs, Pixels, Posts, apply_noise, pairs_of
from unlearnable.verify.attacks.base import Attack
from unlearnable.verify.cells import CellStore, Experiment, Key, digest_of, family, train_victim, version_of_cells

VERSION = version_of_cells(3)  # of cells and protections; those of another version are run again
MEASURED = 200  # photos in the mean PSNR
SHOWN = 5  # triggers recorded in a cell


def digest(*parts: object) -> str:
    """Return the hex SHA-256 over the parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


# Photos


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
    """The photos of a file of the cache."""

    shapes: list[tuple[int, int]]
    kept: list[int]
    skipped: list[SkippedRecord]


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
    index_file = path.with_suffix(".json")
    with files.reporting_write_errors(path, "set UNLEARNABLE_CACHE to another folder"):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not (path.is_file() and index_file.is_file()):
                files.write_text(index_file, _decode(items, side, path, progress).model_dump_json())
    index = _Index.model_validate_json(index_file.read_bytes())
    return DecodedPhotos(Pixels(path, index.shapes), tuple(items[n] for n in index.kept), tuple(index.skipped))


def _decode(items: Sequence[Item], side: int, path: Path, progress: Progress) -> _Index:
    progress.phase("decoding photos", len(items))
    kept, skipped = [], []
    with files.atomic(path) as temporary:
        pixels = Pixels.create(temporary)
        for number, item in enumerate(items):
            try:
                pixels.append(square(decode(item.photo.path).pixels, side))
                kept.append(number)
            except DecodeError as error:
                skipped.append(SkippedRecord(where=item.photo.id, reason=error.reason, detail=error.detail))
            progress.advance()
        if not kept:
            first = skipped[0]
            raise InputError(f"no photo can be read; {first.where}: {first.reason} ({first.detail})")
    return _Index(shapes=pixels.shapes, kept=kept, skipped=skipped)


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


# Protections


class Saved(StoredRecord):
    """A saved protection without its noise."""

    record: ProtectionRecord
    triggers: list[list[int]]  # concepts of each photo's trigger; empty for methods without a trigger
    digest: str  # of all that the protection depends on


@dataclass(frozen=True)
class Protection:
    """Noise of all training photos, and their captions with triggers, in the slots that these were optimised in."""

    noise: NoiseStore
    captions: Captions


@dataclass(frozen=True)
class ProtectionStore:
    """The files of a protection, which may not exist yet; `digest` is the hash of all that it depends on."""

    recipe: ProtectionRecipe
    folder: Path
    digest: str

    def path(self, kind: str) -> Path:
        """Return the file of the noise (i8), of the rest (json), or the checkpoint (partial)."""
        return self.folder / f"{self.recipe.name}-{self.digest[:8]}.{kind}"

    def read(self) -> Saved | None:
        """Return the saved protection; None if it was not finished, or is another one."""
        try:
            saved = Saved.model_validate_json(self.path("json").read_bytes())
        except (OSError, ValueError):
            return None
        return saved if saved.digest == self.digest and self.path("i8").is_file() else None

    def make(self, photos: DecodedPhotos, surrogate: DualEncoder, *, resume: bool, progress: Progress) -> Protection:
        """Return the protection, made first if it is missing.

        One that was stopped resumes from its last checkpoint with `resume`, and starts over without.
        """
        recipe, checkpoint, noise = self.recipe, self.path("partial"), self.path("i8")
        grids = tuple(grid_shape(height, width, surrogate.image_size) for height, width in photos.pixels.shapes)
        slots, vocabulary = recipe.cut(photos.captions), load_words(recipe.settings)
        saved = self.read()
        if saved is None:
            noise.parent.mkdir(parents=True, exist_ok=True)
            if not resume:
                forget(checkpoint)
            problem = Problem(
                posts=Posts(photos.pixels, slots),
                grids=grids,
                captions=tuple(photos.captions),
                surrogates=(surrogate,),
                vocabulary=vocabulary,
                seed=SEED,
                noise_path=noise,
                proxies=load_proxies(recipe.settings, (surrogate.name,), str(surrogate.device)),
            )
            saved = self._optimise(problem, progress)
        forget(checkpoint)  # also where a kill came between the two
        return Protection(
            NoiseStore(grids, recipe.settings.epsilon, noise, "r"), Captions(slots, saved.triggers, vocabulary)
        )

    def _optimise(self, problem: Problem, progress: Progress) -> Saved:
        method, rounds = METHODS[self.recipe.name](), self.recipe.settings.max_rounds
        settings = settings_for(method, self.recipe.settings)
        task = OptimisationTask(problem, method, settings, self.path("partial"), self.digest)
        session, trace = optimise(task, progress, lambda losses: len(losses) >= rounds)
        noise, triggers, pixels = session.state.noise, session.state.triggers, problem.posts.pixels
        noise.finish()
        changes = [apply_noise(pixels[n], noise.read(n)) - pixels[n] for n in range(min(MEASURED, len(pixels)))]
        record = ProtectionRecord(
            method=self.recipe.name,
            surrogate=problem.surrogates[0].name,
            loss_first=trace.losses[0],
            loss_last=trace.losses[-1],
            rounds=len(trace.losses),
            psnr_mean=fmean(10 * math.log10(255**2 / max(float((one**2).mean()), 1e-9)) for one in changes),
            seconds=round(trace.seconds, 1),
        )
        concepts = triggers.tolist() if triggers.shape[1] else []
        saved = Saved(record=record, triggers=concepts, digest=self.digest)
        files.write_text(self.path("json"), saved.model_dump_json())  # this file marks the noise as complete
        return saved


# Cells


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


def posts_of(cell: CellPlan, train: DecodedPhotos, protection: Protection | None) -> Pairs:
    """Return what a cell trains on: a random fraction of the posts protected, all of them changed by the attack."""
    count, attack = len(train.items), cell.attack
    order = torch.randperm(count, generator=torch.Generator().manual_seed(cell.seed))
    protected = torch.zeros(count, dtype=torch.bool)
    protected[order[: round(cell.fraction * count)]] = protection is not None
    captions = [
        protection.captions.of(n, item.captions) if protection and protected[n] else item.captions
        for n, item in enumerate(train.items)
    ]
    pixels = Scraped(train.pixels, protection, protected, attack)
    return pairs_of(pixels, [list(map(attack.caption, texts)) for texts in captions])


class Cells:
    """The cells of a benchmark, in order: each has a key, perhaps a protection, and once it was run a result."""

    def __init__(
        self, setup: Setup, train: DecodedPhotos, experiment: Experiment, folder: Path, *, resume: bool
    ) -> None:
        self.setup, self.train, self.experiment, self.folder = setup, train, experiment, folder
        self.plans = setup.cells
        self._resume, self._data = resume, train.sha256()
        self.protections: dict[str, ProtectionStore] = {}  # by the method's name
        for cell in self.plans:
            if cell.protection_recipe and cell.method not in self.protections:
                self.protections[cell.method] = self._store_of(cell.protection_recipe)
        self._store: CellStore[BenchmarkCell] = CellStore(folder / "cells", BenchmarkCell)
        self._keys = {cell: self._key(cell) for cell in self.plans}

    def _store_of(self, recipe: ProtectionRecipe) -> ProtectionStore:
        """Return the store of a protection of the training posts."""
        pool, surrogate = self.experiment.pool, self.setup.surrogate
        models = (surrogate, *proxy_names(recipe.settings, (surrogate,)))
        formats = {
            name: [pool.number_format(name, recipe.settings.precision, encoder) for encoder in ENCODERS]
            for name in models
        }
        weights = {name: pool.digest(name) for name in models}
        settings = replace(recipe.settings, precision="auto")
        key = digest(VERSION, self._data, recipe.name, settings, list(weights.values()), list(formats.values()))
        return ProtectionStore(recipe, self.folder / "protections", key)

    def _key(self, cell: CellPlan) -> Key:
        """Return everything that the result of a cell depends on."""
        store = self.protections.get(cell.method)
        arm = digest(self._data, store.digest if store else "", cell.fraction, cell.attack.name)
        return self.experiment.key(cell.victim, arm, cell.recipe, cell.start_seed)

    def surrogate(self) -> DualEncoder:
        """Return the model that protections are made on; methods train copies."""
        pool, name = self.experiment.pool, self.setup.surrogate
        return pool.start(name, SEED) if pool.from_scratch else pool.pretrained(name)

    def run_missing(self, progress: Progress) -> int:
        """Run those cells of this process that no earlier run has; return their number."""
        ran = 0
        for cell in self.own_share():
            checkpoint = self._store.path(cell.name, self._keys[cell]).with_suffix(".partial")
            if self.done(cell) is None:
                self._store.write(cell.name, self._keys[cell], self._run(cell, checkpoint, progress))
                ran += 1
            checkpoint.unlink(missing_ok=True)  # also where a kill came between the two
        return ran

    def own_share(self) -> list[CellPlan]:
        """Return the cells of this process: all of them, or those of its share of the protections."""
        rank, size = process()
        methods = {cell: cell.method if cell.protection_recipe else "" for cell in self.plans}
        own = list(dict.fromkeys(methods.values()))[rank::size]
        return [cell for cell, method in methods.items() if method in own]

    def _run(self, cell: CellPlan, checkpoint: Path, progress: Progress) -> BenchmarkCell:
        """Make the protection of a cell if it is missing, train its victim, and rank the gallery with it."""
        setup, pool, store = self.setup, self.experiment.pool, self.protections.get(cell.method)
        protection = None
        if store is not None:
            protection = store.make(self.train, self.surrogate(), resume=self._resume, progress=progress)
        if not self._resume:
            checkpoint.unlink(missing_ok=True)
        trained = train_victim(
            self.experiment,
            pool.start(cell.victim, cell.start_seed),
            posts_of(cell, self.train, protection),
            cell.recipe,
            progress,
            title=cell.title,
            checkpoint=checkpoint,
            key=digest_of(self._keys[cell]),
        )
        surrogate = setup.surrogate if protection else None
        families = [family(pool.architecture(name)) for name in (cell.victim, surrogate) if name]
        paper = setup.suite.paper.get((cell.method, setup.victims[cell.victim] or "", cell.fraction))
        return BenchmarkCell(
            method=cell.method,
            surrogate=surrogate,
            victim=cell.victim,
            same_family=families[0] == families[1] if surrogate else None,
            fraction=cell.fraction,
            through=cell.attack.name,
            seed=cell.seed,
            epochs=cell.recipe.epochs,
            lr=cell.recipe.lr,
            image_to_text=trained.scores.image_to_text,
            text_to_image=trained.scores.text_to_image,
            paper=paper if cell.attack.name == AS_PUBLISHED else None,
            loss_curve=trained.loss_curve,
            medr_curve=trained.medr_curve,
            triggers=protection.captions.shown(SHOWN) if protection else [],
            seconds=trained.seconds,
        )

    def done(self, cell: CellPlan) -> BenchmarkCell | None:
        """Return the result of a cell that was run before, with the present names of its models, or None."""
        found = self._store.read(cell.name, self._keys[cell])
        if found is None:
            return None
        surrogate = self.setup.surrogate if found.surrogate else None
        return found.model_copy(update={"victim": cell.victim, "surrogate": surrogate})

    def all_done(self) -> list[BenchmarkCell]:
        """Return the results of the cells that were run."""
        return [result for cell in self.plans if (result := self.done(cell)) is not None]

    def protection_records(self) -> list[ProtectionRecord]:
        """Return the records of the finished protections, each under its name."""
        found = {name: store.read() for name, store in self.protections.items()}
        return [saved.record.model_copy(update={"method": name}) for name, saved in found.items() if saved]
