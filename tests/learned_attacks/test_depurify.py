"""What the bundled purifier does to protected and to other photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unlearnable.benchmarks.pixel_cache import decoded
from unlearnable.benchmarks.plan import ProtectionRecipe
from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.benchmarks.protections import make
from unlearnable.benchmarks.suites.base import Item
from unlearnable.config import MEMSettings
from unlearnable.datasets import open_dataset
from unlearnable.models import bundled
from unlearnable.optim.view import apply_noise
from unlearnable.progress.reporting import Silent
from unlearnable.verify.attacks import ATTACKS, parse_attack

EXAMPLES = Path(__file__).parents[2] / "examples"


def error(first, second):
    return float(np.square(first.astype(float) - second).mean())


def test_it_is_marked_as_adaptive():
    assert ATTACKS["depurify"].adaptive
    assert not ATTACKS["drop-odd-words"].adaptive


def test_large_photos_come_out_with_a_short_side_of_224():
    photo = np.full((300, 450, 3), 100, np.uint8)
    assert parse_attack("depurify").image(photo).shape == (224, 336, 3)


@pytest.mark.slow
def test_protected_photos_come_closer_to_the_clean_ones(tmp_path):
    dataset = open_dataset(EXAMPLES / "photos", EXAMPLES / "posts.jsonl")
    captions = dataset.captions_by_photo()
    items = [Item(photo, tuple(captions[photo.id])) for photo in dataset.photos if captions[photo.id]]
    photos = decoded(items, 224, tmp_path / "photos", Silent())
    store = ProtectionStore(ProtectionRecipe("mem", MEMSettings(max_rounds=2)), tmp_path / "noise", {})
    protection = make(store, photos, bundled.load(bundled.SMALL), resume=False, progress=Silent())
    before: dict[bool, list[float]] = {True: [], False: []}  # of photos in greys, and in colours
    after: dict[bool, list[float]] = {True: [], False: []}
    for n in range(len(photos.items)):
        grey = photos.pixels.is_grey(n)
        clean = photos.pixels[n]
        noisy = apply_noise(clean, protection.noise.read(n), "bilinear")
        shown, wanted = (np.ascontiguousarray(each.byte().permute(1, 2, 0).numpy()) for each in (noisy, clean))
        before[grey].append(error(shown, wanted))
        after[grey].append(error(parse_attack("depurify").image(shown), wanted))
    assert all(later < earlier for earlier, later in zip(before[False], after[False], strict=True))
    assert sum(after[False]) < 0.8 * sum(before[False])
    assert sum(after[True]) < sum(before[True])  # it was trained on coloured noise, and does less about grey
