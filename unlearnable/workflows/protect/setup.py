"""A run made ready: photos decoded, captions cut, surrogates loaded, and the problem posed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from unlearnable import config
from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset, Pair
from unlearnable.errors import ConfigError
from unlearnable.methods.base import Method, Problem
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import load
from unlearnable.models.tokens import Slot
from unlearnable.posts.pixels import Pixels, Posts
from unlearnable.progress import Progress
from unlearnable.protection.vocabulary import avoided_words, load_words
from unlearnable.workflows import history
from unlearnable.workflows.layout import Places
from unlearnable.workflows.protect.prepare import Prepared, captions_of, cut_captions, read_photos


@dataclass(frozen=True)
class Run:
    """A run made ready: what is to be protected, by what, and where it goes."""

    settings: ProtectSettings
    where: Places
    dataset: Dataset
    prepared: Prepared
    pairs: dict[str, list[Pair]]
    slots: dict[str, list[Slot]]
    problem: Problem
    method: Method
    key: str
    scratch: Path


def run_key(settings: ProtectSettings, dataset: Dataset) -> str:
    """What the result depends on: settings, avoided words and data. A checkpoint is bound to it."""
    avoided = " ".join(sorted(avoided_words(settings)))
    return hashlib.sha256(f"{config.digest(settings)} {dataset.fingerprint} {avoided}".encode()).hexdigest()


def load_surrogates(settings: ProtectSettings) -> list[DualEncoder]:
    """The surrogates on the device of the settings."""
    return [load(name).to(choose_device(settings.device)) for name in settings.surrogate]


def choose_device(wanted: str) -> str:
    """The device that `wanted` means here: "auto" takes a GPU where there is one.

    Raises:
        ConfigError: the device asked for is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if there["cuda"] else "mps" if there["mps"] else "cpu"
    if not there[wanted]:
        raise ConfigError(f"this machine has no {wanted} device that torch can use", hint="--device cpu works anywhere")
    return wanted


def make_ready(
    settings: ProtectSettings,
    where: Places,
    dataset: Dataset,
    method: Method,
    surrogates: list[DualEncoder],
    scratch: Path,
    progress: Progress,
) -> Run:
    """Decode the photos and pose the problem; working copies go to `scratch`, which the caller removes."""
    vocabulary, proposer = load_words(settings, choose_device(settings.device), proposing=method.has_trigger)
    pixels = Pixels(scratch / "pixels.u8")
    side = max(model.image_size for model in surrogates)
    prepared = read_photos(dataset, settings, side, pixels, history.made(), progress)
    pairs = captions_of(dataset)
    length = settings.trigger_length if method.has_trigger else 0
    texts = [[pair.caption for pair in those] for those in pairs.values()]
    slots = dict(zip(pairs, cut_captions(texts, settings, length, settings.seed), strict=True))
    ids = [photo.id for photo in prepared.photos]
    problem = Problem(
        posts=Posts(pixels, tuple(tuple(slots[i]) for i in ids)),
        grids=tuple(prepared.grids),
        captions=tuple(tuple(p.caption for p in pairs[i]) for i in ids),
        surrogates=tuple(surrogates),
        vocabulary=vocabulary,
        proposer=proposer,
        seed=settings.seed,
        noise_path=where.noise,
    )
    return Run(settings, where, dataset, prepared, pairs, slots, problem, method, run_key(settings, dataset), scratch)
