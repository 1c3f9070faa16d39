"""Flickr30k: 29,000 photos to train on, 1,000 to rank, five captions each (Tables 1, 2 and 4)."""

from __future__ import annotations

from unlearnable.benchmark.suites import flickr
from unlearnable.benchmark.suites.base import TRANSFER, Key, Suite, both
from unlearnable.report import PaperRow

PAPER: dict[Key, PaperRow] = {
    ("random ranking", "", 0.0): both(1, (1.0, 711), (1.0, 498)),
    ("clean", "RN50", 1.0): both(1, (46.5, 12), (42.7, 16)),
    ("em", "RN50", 1.0): both(1, (9.6, 197), (7.9, 170)),
    ("uap", "RN50", 1.0): both(1, (36.7, 26), (35.6, 24)),
    ("mem-3", "RN50", 1.0): both(1, (3.8, 412), (2.2, 308)),
    ("mem-5", "RN50", 1.0): both(1, (3.9, 445), (2.0, 325)),
    (TRANSFER, "RN50", 1.0): both(2, (None, 445), (None, 325)),
    ("clean", "RN101", 1.0): both(2, (None, 10), (None, 17)),
    ("mem-3", "RN101", 1.0): both(2, (None, 404), (None, 306)),
    ("clean", "ViT-B-32", 1.0): both(2, (None, 9), (None, 13)),
    ("mem-3", "ViT-B-32", 1.0): both(2, (None, 343), (None, 287)),
}

SUITE = Suite(
    name="flickr30k",
    title="Flickr30k",
    kind="captions",
    read=flickr.read,
    layouts=flickr.LAYOUTS,
    published="https://shannon.cs.illinois.edu/DenotationGraph (Young et al., 2014)",
    paper=PAPER,
)
