"""Make noise and triggers for the training photos, once for each method, and load the photos with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from unlearnable.benchmarks.pixel_cache import DecodedPhotos
from unlearnable.benchmarks.plan import ProtectionRecipe
from unlearnable.benchmarks.processes import waiting
from unlearnable.benchmarks.protection_store import ProtectionStore, Saved
from unlearnable.config import Enlargement
from unlearnable.disk.locks import alone
from unlearnable.imaging.placement import grid_shape
from unlearnable.methods import METHODS
from unlearnable.methods.base import Problem, settings_for
from unlearnable.methods.captions import Captions
from unlearnable.methods.noise_store import NoiseStore
from unlearnable.methods.optimise import OptimisationTask, forget, optimise
from unlearnable.methods.proxies import load_proxies
from unlearnable.methods.words import load_words
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.posts.pixels import Pixels, Posts, Shape
from unlearnable.progress.reporting import Progress
from unlearnable.results import ProtectionRecord
from unlearnable.training.view import apply_noise
from unlearnable.verify.attacks.base import Attack

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
