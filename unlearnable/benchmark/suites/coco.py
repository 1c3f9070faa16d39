"""MS-COCO: 82,783 photos to train on, 5,000 to rank, five captions each (Tables 1, 2 and 4)."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from unlearnable.benchmark.suites.base import TRANSFER, Corpus, Key, Suite, both, corpus_of
from unlearnable.errors import InputError
from unlearnable.posts import Dataset, open_dataset
from unlearnable.report import PaperRow

TEST = 5000
NOISE_SIDE = 96  # instead of 224: the noise of 82,783 photos then takes 2.3 GB beside the 13.2 GB of all photos
LAYOUTS = (
    "train2014 and val2014 with Karpathy's dataset_coco.json, or with annotations/captions_train2014.json and "
    "annotations/captions_val2014.json"
)
DRAWN = "photos of val2014 drawn by seed 0 stand for Karpathy's test split, which dataset_coco.json would give"

PAPER: dict[Key, PaperRow] = {
    ("random ranking", "", 0.0): both(1, (0.2, 3419), (0.2, 2491)),
    ("clean", "RN50", 1.0): both(1, (65.1, 5), (58.3, 7)),
    ("em", "RN50", 1.0): both(1, (1.7, 1213), (1.6, 880)),
    ("uap", "RN50", 1.0): both(1, (63.8, 5), (57.1, 7)),
    ("mem-3", "RN50", 1.0): both(1, (1.7, 1705), (1.3, 1301)),
    ("mem-5", "RN50", 1.0): both(1, (0.8, 1883), (1.1, 1466)),
    (TRANSFER, "RN50", 1.0): both(2, (None, 1086), (None, 988)),
    ("clean", "RN101", 1.0): both(2, (None, 5), (None, 6)),
    ("mem-3", "RN101", 1.0): both(2, (None, 989), (None, 844)),
    ("clean", "ViT-B-32", 1.0): both(2, (None, 4), (None, 4)),
    ("mem-3", "ViT-B-32", 1.0): both(2, (None, 1064), (None, 920)),
}


def read(root: Path, limit: int | None, seed: int) -> Corpus:
    """Read the 82,783 photos of train2014 and 5,000 of val2014.

    Raises:
        InputError: the folder has none of the layouts in `LAYOUTS`.
    """
    karpathy = sorted(root.rglob("dataset_coco.json"))
    if karpathy:
        return corpus_of(open_dataset(root, karpathy[0]), limit)
    files = [root / "annotations" / f"captions_{part}2014.json" for part in ("train", "val")]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise InputError(
            f"{root} holds neither dataset_coco.json nor {', '.join(missing)}", hint=f"pass a folder with {LAYOUTS}"
        )
    train, val = (open_dataset(root, path) for path in files)
    joined = _joined(train, val, seed)
    return corpus_of(joined, limit, [f"{sum(photo.split == 'test' for photo in joined.photos)} {DRAWN}"])


def _joined(train: Dataset, val: Dataset, seed: int) -> Dataset:
    """Join both files into one data set. Each reader also lists the other's photos, without captions of their own."""
    named = [{pair.photo for pair in part.pairs if pair.record >= 0} for part in (train, val)]
    order = sorted(named[1])
    test = set(random.Random(seed).sample(order, min(TEST, len(order))))
    split = {**dict.fromkeys(named[0], "train"), **dict.fromkeys(test, "test")}
    photos = tuple(replace(photo, split=split[photo.id]) for photo in train.photos if photo.id in split)
    pairs = tuple(pair for part in (train, val) for pair in part.pairs if pair.record >= 0 and pair.photo in split)
    skipped = tuple(dict.fromkeys((*train.skipped, *val.skipped)))
    return replace(train, photos=photos, pairs=pairs, skipped=skipped)


SUITE = Suite(
    name="coco",
    title="MS-COCO",
    kind="captions",
    read=read,
    layouts=LAYOUTS,
    published="https://cocodataset.org (Lin et al., 2014)",
    paper=PAPER,
    noise_side=NOISE_SIDE,
)
