"""Noise and triggers for the training photos, made once by each method and kept, and the posts that carry them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from pydantic import BaseModel
from torch import Tensor

from unlearnable import checkpoint, files
from unlearnable.benchmarks.plan import How
from unlearnable.benchmarks.store import Photos
from unlearnable.countermeasures.base import Countermeasure
from unlearnable.imaging.placement import grid_shape
from unlearnable.methods import METHODS
from unlearnable.methods.base import Method, Problem
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.sentence import as_sentence
from unlearnable.models.tokens import Slot, Trigger, cut, default_vocabulary, natural_vocabulary
from unlearnable.optim.noise import NoiseStore, Shape
from unlearnable.optim.view import protect
from unlearnable.progress import Progress
from unlearnable.results import ProtectionRecord
from unlearnable.training.posts import Pixels, Posts
from unlearnable.workflows.words import load_words

MEASURED = 200  # photos that the mean PSNR is over


class _Saved(BaseModel):
    """What is kept of a protection beside its noise."""

    record: ProtectionRecord
    triggers: list[list[int]]


@dataclass(frozen=True)
class Protection:
    """What a method made for all training photos.

    Attributes:
        noise: one a photo.
        triggers: one a photo; empty for methods without.
        record: how it went.
        write: puts a trigger into a caption.
    """

    noise: NoiseStore
    triggers: tuple[Trigger, ...]
    record: ProtectionRecord
    write: Callable[[Slot, Trigger], str]

    def caption(self, photo: int, caption: str) -> str:
        """A caption with its trigger, where there is one."""
        if not self.triggers:
            return caption
        trigger = self.triggers[photo]
        return self.write(cut(caption, 0, len(trigger.tokens)), trigger)


@dataclass(frozen=True)
class Scraped:
    """Photos as the training of a cell loads them: some protected, in 8 bits, then what a scraper does.

    Attributes:
        pixels: the clean photos.
        protection: of those that are protected, or None.
        protected: (n,) bool, which are.
        change: what the scraper does.
        enlarge: how noise is enlarged to a photo.
    """

    pixels: Pixels
    protection: Protection | None
    protected: Tensor
    change: Countermeasure
    enlarge: str

    def __getitem__(self, photo: int, /) -> Tensor:
        """(3, h, w), whole numbers 0-255."""
        pixels = self.pixels[photo]
        if self.protection is not None and self.protected[photo]:
            pixels = protect(pixels, self.protection.noise.read(photo), self.enlarge)
        before = pixels.byte().permute(1, 2, 0).numpy()
        after = self.change.image(before)
        return pixels if after is before else torch.from_numpy(np.array(after.transpose(2, 0, 1))).float()


def make(
    how: How, photos: Photos, surrogate: DualEncoder, folder: Path, key: str, *, resume: bool, progress: Progress
) -> Protection:
    """The protection of that key, made where `folder` does not hold it yet.

    One that was stopped goes on after its last round with `resume`, and starts again without.
    """
    noise, partial, saved = _places(how, folder, key)
    if not saved.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            partial.unlink(missing_ok=True)
        made = _optimise(how, _problem(how, photos, surrogate, noise), partial, key, progress)
        files.write_text(saved, made.model_dump_json() + "\n")
        partial.unlink(missing_ok=True)
    found = _Saved.model_validate_json(saved.read_text(encoding="utf-8"))
    store = NoiseStore(_grids(photos, surrogate), how.settings.epsilon, noise, "r")
    natural = how.settings.trigger_vocabulary == "natural"
    vocabulary = natural_vocabulary() if natural else default_vocabulary()
    triggers = tuple(map(vocabulary.trigger, found.triggers))
    return Protection(store, triggers, found.record, as_sentence if natural else Slot.text)


def recorded(how: How, folder: Path, key: str) -> ProtectionRecord | None:
    """How the protection of that key was made, or None where it is not there."""
    saved = _places(how, folder, key)[2]
    return _Saved.model_validate_json(saved.read_text(encoding="utf-8")).record if saved.is_file() else None


def _places(how: How, folder: Path, key: str) -> tuple[Path, Path, Path]:
    """Noise, the checkpoint while it is made, and the rest."""
    first, second, third = (folder / f"{how.name}-{key[:8]}.{kind}" for kind in ("i8", "partial", "json"))
    return first, second, third


def _grids(photos: Photos, surrogate: DualEncoder) -> tuple[Shape, ...]:
    return tuple(grid_shape(height, width, surrogate.image_size) for height, width in photos.pixels.shapes)


def _problem(how: How, photos: Photos, surrogate: DualEncoder, noise: Path) -> Problem:
    method: Method = METHODS[how.name]()
    length = how.settings.trigger_length if method.has_trigger else 0
    vocabulary, proposer = load_words(how.settings, str(surrogate.device), proposing=method.has_trigger)
    return Problem(
        posts=Posts(photos.pixels, tuple(tuple(cut(c, 0, length) for c in item.captions) for item in photos.items)),
        grids=_grids(photos, surrogate),
        captions=tuple(item.captions for item in photos.items),
        surrogates=(surrogate,),
        vocabulary=vocabulary,
        proposer=proposer,
        noise_path=noise,
    )


def _optimise(how: How, problem: Problem, partial: Path, key: str, progress: Progress) -> _Saved:
    """Run a method to the end, with a checkpoint after every round."""
    method: Method = METHODS[how.name]()
    state = method.start(problem, how.settings)
    losses, seconds = [], 0.0
    if partial.is_file():
        before = checkpoint.load(partial, key)
        state.restore(before["method"])
        losses, seconds = before["losses"], before["seconds"]
    progress.phase(f"making {how.name} noise", how.settings.max_rounds)
    progress.advance(len(losses))
    began = time.monotonic() - seconds
    for done in method.rounds(problem, how.settings, state):
        losses.append(done.loss)
        seconds = time.monotonic() - began
        checkpoint.save(partial, key, {"method": state.export(), "losses": losses, "seconds": seconds})
        progress.advance(1, loss=done.loss)
    state.noise.flush()
    record = ProtectionRecord(
        method=how.name,
        surrogate=problem.surrogates[0].name,
        loss_first=losses[0],
        loss_last=losses[-1],
        rounds=len(losses),
        psnr_mean=_psnr(problem, state.noise, how.settings.enlarge),
        seconds=round(seconds, 1),
    )
    return _Saved(record=record, triggers=state.triggers.tolist() if state.triggers.shape[1] else [])


def _psnr(problem: Problem, noise: NoiseStore, enlarge: str) -> float:
    """Mean PSNR of the first photos, in dB."""
    pixels = problem.posts.pixels
    changes = [protect(pixels[n], noise.read(n), enlarge) - pixels[n] for n in range(min(MEASURED, len(pixels)))]
    return fmean(10 * math.log10(255**2 / max(float((change**2).mean()), 1e-9)) for change in changes)
