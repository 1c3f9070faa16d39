"""Screen ways to make noise, cheaply: one arm of faces in about ten CPU-minutes, several arms from one file.

    python tools/bench/screen.py arms.toml --data DIR [--table screen.md]

The victims are models that the noise is not made on. Each arm is trained on with several seeds, and judged by the
geometric mean of the ranks in both directions, which varies less between seeds than Hit@10. A row goes to the table as
soon as its arm is done, losers too, with commit, settings and seeds. A figure found here is optimistic: choose on one
half of the people, report on the other.

    photos = 8                 # of each person, at most
    people = "even"            # every second person from the first ("even"), the others ("odd"), or "all"
    victims = ["resnet-small", "vit-small"]
    seeds = [0, 1]
    captions = ["clean"]       # "clean": the noise alone; "protected": with the words; or both
    through = ["png"]          # what a scraper does to the photos
    [arms.strong]
    preset = "strong"
    [arms.again]               # two protections by one arm differ by about 0.2: repeat what is to be believed
    preset = "strong"
    seed = 1                   # of the protection
    [arms.wide]
    adversarial_weight = 1.0
    smallest_crop = 0.5
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from unlearnable.benchmarks.pixel_cache import DecodedPhotos, decoded
from unlearnable.benchmarks.plan import ProtectionRecipe
from unlearnable.benchmarks.protection_store import ProtectionStore
from unlearnable.benchmarks.protections import Protection, Scraped, make
from unlearnable.benchmarks.suites.base import Item, corpus_of
from unlearnable.config import AS_PUBLISHED, PRESETS, MEMSettings, Recipe
from unlearnable.datasets import hold_out, limit, named_posts, open_people
from unlearnable.models.bundled import tuning_rate
from unlearnable.posts.pairs import Pairs, pairs_of
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.training.fit import TrainingTask, fit
from unlearnable.training.retrieval import Ranks, chance, hit, retrieve
from unlearnable.verify.attacks import parse_attack
from unlearnable.verify.victims import ModelPool

SIDE = 144  # pixels of the squares that stand for the files
RECIPE = {"epochs": 10, "batch_size": 64, "one_caption": True}
HEADS = ("arm", "victim", "PSNR, dB", "Hit@10, each seed", "Hit@10", "rank", "effect", "minutes", "commit", "settings")


@dataclass(frozen=True)
class Screen:
    """What all arms of a file share."""

    photos: int = 8
    people: str = "all"
    victims: tuple[str, ...] = ("resnet-small", "vit-small")
    seeds: tuple[int, ...] = (0, 1)
    captions: tuple[str, ...] = ("clean",)
    through: tuple[str, ...] = (AS_PUBLISHED,)
    surrogate: str = "small"


@dataclass(frozen=True)
class Judged:
    """How one arm came out for one victim: Hit@10 of each seed (mean of both directions) and the mean rank."""

    hits: list[float]
    rank: float

    @property
    def hit(self) -> float:
        """Mean Hit@10, in per cent."""
        return fmean(self.hits)


def people_of(root: Path, screen: Screen) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return the posts to train on and to rank, of the chosen half of the people."""
    people = hold_out(open_people(root), 0)
    names = sorted(people.persons)
    chosen = {"all": names, "even": names[::2], "odd": names[1::2]}[screen.people]
    kept = tuple(portrait for portrait in people.portraits if portrait.person in set(chosen))
    corpus = corpus_of(named_posts(limit(replace(people, portraits=kept), screen.photos, 0), seed=0), None)
    return tuple(corpus.train), tuple(corpus.test)


def settings_of(arm: dict[str, Any]) -> MEMSettings:
    """Return the settings of an arm: its preset, then what it says itself."""
    own = dict(arm)
    return MEMSettings(**{**PRESETS[own.pop("preset", "balanced")], **own})


def protected(train: DecodedPhotos, arm: dict[str, Any], pool: ModelPool, screen: Screen, folder: Path) -> Protection:
    """Make the noise and the words of an arm."""
    method, seed = str(arm.pop("method", "mem")), int(arm.pop("seed", 0))
    recipe = ProtectionRecipe(method, settings_of(arm), seed=seed)
    store = ProtectionStore(recipe, folder, {})
    return make(store, train, pool.pretrained(screen.surrogate), resume=False, progress=Silent())


def posts_of(train: DecodedPhotos, protection: Protection | None, captions: str, attack: str) -> Pairs:
    """Return what a victim trains on, with protected captions or clean ones, its photos changed by an attack."""
    everyone = torch.ones(len(train.items), dtype=torch.bool)
    pixels = Scraped(train.pixels, protection, everyone, parse_attack(attack), "bilinear")
    words = protection is not None and captions == "protected"
    return pairs_of(
        pixels,
        [protection.captions.of(n, item.captions) if words else item.captions for n, item in enumerate(train.items)],
    )


def judge(posts: Pairs, gallery: Pairs, victim: str, pool: ModelPool, seeds: Sequence[int]) -> Judged:
    """Train a victim with every seed and rank the gallery."""
    found = [ranks_of(posts, gallery, victim, pool, seed) for seed in seeds]
    hits = [fmean((hit(one.image_to_text), hit(one.text_to_image))) for one in found]
    logs = torch.cat([torch.cat([one.image_to_text, one.text_to_image]).double().log() for one in found])
    return Judged(hits, math.exp(float(logs.mean())))


def ranks_of(posts: Pairs, gallery: Pairs, victim: str, pool: ModelPool, seed: int) -> Ranks:
    """Train a victim once."""
    model = pool.start(victim, seed)
    nothing = Pairs(gallery.pixels, gallery.photos[:0], gallery.tokens[:0])  # nothing is ranked between the epochs
    fit(
        model,
        TrainingTask(posts, nothing, Recipe(**RECIPE, lr=tuning_rate(pool.architecture(victim)), seed=seed)),
        Silent(),
    )
    return retrieve(model, gallery)


def effect(arm: Judged, clean: Judged, guess: float) -> float:
    """Return the share of what clean posts teach that the arm takes away."""
    return (clean.hit - arm.hit) / (clean.hit - guess)


def psnr(train: DecodedPhotos, protection: Protection) -> float:
    """Return the mean PSNR of the files, in dB."""
    everyone = torch.ones(len(train.items), dtype=torch.bool)
    files = Scraped(train.pixels, protection, everyone, parse_attack(AS_PUBLISHED), "bilinear")
    errors = [float(((files[n] - train.pixels[n]) ** 2).mean()) for n in range(len(train.items))]
    return fmean(10 * math.log10(255**2 / max(error, 1e-9)) for error in errors)


def append(table: Path, cells: Sequence[object]) -> None:
    """Add a row to the table, its heads first where it is new."""
    new = not table.exists()
    with table.open("a", encoding="utf-8") as file:
        if new:
            file.write("| " + " | ".join(HEADS) + " |\n" + "|---" * len(HEADS) + "|\n")
        file.write("| " + " | ".join(map(str, cells)) + " |\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arms", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of faces")
    parser.add_argument("--table", type=Path, default=Path("screen.md"))
    options = parser.parse_args()
    file = tomllib.loads(options.arms.read_text(encoding="utf-8"))
    arms = {"clean": None, **file.pop("arms")}
    screen = Screen(**{name: tuple(value) if isinstance(value, list) else value for name, value in file.items()})
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    run_all(options.data, screen, arms, options.table, commit, Silent())


def run_all(
    data: Path, screen: Screen, arms: dict[str, dict[str, Any] | None], table: Path, commit: str, progress: Progress
) -> None:
    """Judge every arm and write its rows."""
    items, ranked = people_of(data, screen)
    pool, clean = ModelPool("cpu", from_scratch=False), {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        train, test = (decoded(some, SIDE, scratch / "photos", progress) for some in (items, ranked))
        gallery = pairs_of(test.pixels, test.captions)
        level = chance(gallery)
        guess = fmean((level.image_to_text.hit10, level.text_to_image.hit10))
        for name, arm in arms.items():
            began = time.monotonic()
            protection = None if arm is None else protected(train, dict(arm), pool, screen, scratch / name)
            noise = "" if protection is None else f"{psnr(train, protection):.1f}"
            ways = [("clean", AS_PUBLISHED)] if arm is None else list(product(screen.captions, screen.through))
            for victim, (captions, attack) in product(screen.victims, ways):
                judged = judge(posts_of(train, protection, captions, attack), gallery, victim, pool, screen.seeds)
                reference = clean.setdefault(victim, judged)
                cells = (
                    name,
                    victim,
                    noise,
                    ", ".join(f"{one:.1f}" for one in judged.hits),
                    f"{judged.hit:.1f}",
                    f"{judged.rank:.1f}",
                    f"{effect(judged, reference, guess):.2f}" if arm is not None else "0",
                    f"{(time.monotonic() - began) / 60:.1f}",
                    commit,
                    f"{screen.people} people, {screen.photos} photos, {captions} captions, {attack}; {arm or ''}",
                )
                append(table, cells)
                print(*cells, sep="  ", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
