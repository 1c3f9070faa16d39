"""Protect public photos and keep them with their noise: what the purifier is trained on and measured by."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from unlearnable.benchmarks.pixel_cache import decoded
from unlearnable.benchmarks.plan import ProtectionRecipe
from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.benchmarks.protections import make
from unlearnable.benchmarks.suites.base import Item
from unlearnable.config import PRESETS, MEMSettings
from unlearnable.datasets import hold_out, limit, named_posts, open_people
from unlearnable.errors import InputError
from unlearnable.optim.view import apply_noise
from unlearnable.posts.reading import open_collection
from unlearnable.progress.reporting import Silent
from unlearnable.verify.victims import ModelPool

SURROGATE, SIDE, EACH = "small", 224, 8  # the side of the squares; photos of a person

Pair = tuple[Tensor, Tensor]
"""A clean photo (3, s, s), uint8, and its noise (3, g, g), int8."""


@dataclass(frozen=True)
class Part:
    """Photos that are protected in one run."""

    name: str
    items: tuple[Item, ...]
    preset: str


def items_of(folder: Path) -> tuple[Item, ...]:
    """Return the training photos of a folder with captions, or of a folder of faces under invented names."""
    try:
        dataset = named_posts(limit(hold_out(open_people(folder), 0), EACH, 0), seed=0)
    except InputError:
        dataset = open_collection(folder, None)
    captions = dataset.captions_by_photo()
    photos = [photo for photo in dataset.photos if photo.split in (None, "train")]
    return tuple(Item(photo, tuple(captions[photo.id])) for photo in photos)


def parts_of(sources: Sequence[str], photos: int, held_out: int) -> tuple[list[Part], list[Part]]:
    """Return the parts to train on, and those held out: other photos, and noise of another run."""
    train, test = [], []
    for source in sources:
        folder, _, presets = source.rpartition("=")
        items = items_of(Path(folder))
        for preset in presets.split(","):
            train.append(Part(f"{Path(folder).name}-{preset}", items[:photos], preset))
            items = items[photos:]
        for preset in presets.split(","):
            test.append(Part(f"{Path(folder).name}-{preset}-held-out", items[:held_out], preset))
            items = items[held_out:]
    return train, test


def pairs_of(part: Part, work: Path, pool: ModelPool) -> list[Pair]:
    """Return the photos of a part with their noise, making it first if it is missing."""
    began = time.process_time()
    photos = decoded(part.items, SIDE, work / "photos", Silent())
    recipe = ProtectionRecipe("mem", MEMSettings(**PRESETS[part.preset]))
    store = ProtectionStore(recipe, work / part.name, {"photos": photos.pixels.sha256()})
    made = make(store, photos, pool.pretrained(SURROGATE), resume=True, progress=Silent())
    print(f"{part.name}: {len(photos.items)} photos, {time.process_time() - began:.0f} CPU s", flush=True)
    return [(photos.pixels[n].byte(), made.noise.read(n).to(torch.int8)) for n in range(len(photos.items))]


def protected(pair: Pair, side: int, factor: float) -> tuple[Tensor, Tensor]:
    """Return a photo at `side` pixels, clean and protected, (3, side, side) whole numbers 0-255.

    The file is `factor` times as large: the noise is enlarged to its size, rounded, and reduced again.
    """
    clean, noise = (part.float() for part in pair)
    if clean.shape[-1] != side:
        clean = F.interpolate(clean[None], (side, side), mode="bicubic", antialias=True)[0].round().clamp(0, 255)
    if factor > 1:
        large = round(side * factor)
        noise = F.interpolate(noise[None], (large, large), mode="bilinear").round()
        noise = F.interpolate(noise, (side, side), mode="bicubic", antialias=True)[0]
    return clean, apply_noise(clean, noise, "bilinear")
