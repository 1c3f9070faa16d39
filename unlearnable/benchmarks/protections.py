"""Noise and triggers for the training photos, made once by each method and kept, and the photos that carry them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from unlearnable.attacks.base import Attack
from unlearnable.benchmarks.captions import SEED, Captions, Slots, cut_for, with_triggers
from unlearnable.benchmarks.kept import Kept, Saved
from unlearnable.benchmarks.plan import How
from unlearnable.benchmarks.store import Photos
from unlearnable.imaging.placement import grid_shape
from unlearnable.methods import METHODS
from unlearnable.methods.base import Problem
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.optim.noise import NoiseStore, Shape
from unlearnable.optim.view import protect
from unlearnable.progress import Progress
from unlearnable.results import ProtectionRecord
from unlearnable.training.posts import Pixels, Posts
from unlearnable.workflows.optimise import Making, optimise
from unlearnable.workflows.words import load_words

MEASURED = 200  # photos that the mean PSNR is over, and whose captions the judge reads


@dataclass(frozen=True)
class Protection:
    """What a method made for all training photos.

    Attributes:
        noise: one a photo.
        captions: with the triggers in the slots that they were optimised in.
    """

    noise: NoiseStore
    captions: Captions


@dataclass(frozen=True)
class Scraped:
    """Photos as the training of a cell loads them: some protected, in 8 bits, then what a scraper does.

    Attributes:
        pixels: the clean photos.
        protection: of those that are protected, or None.
        protected: (n,) bool, which are.
        attack: what the scraper does.
        enlarge: how noise is enlarged to a photo.
    """

    pixels: Pixels
    protection: Protection | None
    protected: Tensor
    attack: Attack
    enlarge: str

    def __getitem__(self, photo: int, /) -> Tensor:
        """(3, h, w), whole numbers 0-255."""
        pixels = self.pixels[photo]
        if self.protection is not None and self.protected[photo]:
            pixels = protect(pixels, self.protection.noise.read(photo), self.enlarge)
        before = pixels.byte().permute(1, 2, 0).numpy()
        after = self.attack.image(before)
        return pixels if after is before else torch.from_numpy(np.array(after.transpose(2, 0, 1))).float()


def make(kept: Kept, photos: Photos, surrogate: DualEncoder, *, resume: bool, progress: Progress) -> Protection:
    """The protection that is kept there, made where it is not there yet.

    One that was stopped goes on after its last checkpoint with `resume`, and starts again without.
    """
    how, noise, partial = kept.how, kept.path("i8"), kept.path("partial")
    slots = cut_for(how, photos.items)
    if kept.record() is None:
        kept.folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            partial.unlink(missing_ok=True)
        kept.write(_optimise(kept, _problem(how, photos, surrogate, slots, noise), progress))
        partial.unlink(missing_ok=True)
    store = NoiseStore(_grids(how, photos, surrogate), how.settings.epsilon, noise, "r")
    return Protection(store, with_triggers(how, slots, kept.read().triggers))


def _grids(how: How, photos: Photos, surrogate: DualEncoder) -> tuple[Shape, ...]:
    side = min(surrogate.image_size, how.noise_side or surrogate.image_size)
    return tuple(grid_shape(height, width, side) for height, width in photos.pixels.shapes)


def _problem(how: How, photos: Photos, surrogate: DualEncoder, slots: Slots, noise: Path) -> Problem:
    method = METHODS[how.name]()
    vocabulary, proposer = load_words(how.settings, str(surrogate.device), proposing=method.has_trigger)
    return Problem(
        posts=Posts(photos.pixels, slots),
        grids=_grids(how, photos, surrogate),
        captions=tuple(item.captions for item in photos.items),
        surrogates=(surrogate,),
        vocabulary=vocabulary,
        proposer=proposer,
        seed=SEED,
        noise_path=noise,
    )


def _optimise(kept: Kept, problem: Problem, progress: Progress) -> Saved:
    how = kept.how
    making = Making(problem, METHODS[how.name](), how.settings, kept.path("partial"), kept.key)
    state, course = optimise(making, progress, lambda losses: len(losses) >= how.settings.max_rounds)
    state.noise.finish()
    record = ProtectionRecord(
        method=how.name,
        surrogate=problem.surrogates[0].name,
        loss_first=course.losses[0],
        loss_last=course.losses[-1],
        rounds=len(course.losses),
        psnr_mean=_psnr(problem, state.noise, how.settings.enlarge),
        seconds=round(course.seconds, 1),
    )
    return Saved(record=record, triggers=state.triggers.tolist() if state.triggers.shape[1] else [])


def _psnr(problem: Problem, noise: NoiseStore, enlarge: str) -> float:
    """Mean PSNR of the first photos, in dB."""
    pixels = problem.posts.pixels
    changes = [protect(pixels[n], noise.read(n), enlarge) - pixels[n] for n in range(min(MEASURED, len(pixels)))]
    return fmean(10 * math.log10(255**2 / max(float((change**2).mean()), 1e-9)) for change in changes)
