"""Flickr8k: 6,000 photos to train on, 1,000 to rank, five captions each (Tables 1 to 4)."""

from __future__ import annotations

from unlearnable.benchmark.suites import flickr
from unlearnable.benchmark.suites.base import TRANSFER, Key, Suite, both
from unlearnable.report import PaperRow

PAPER: dict[Key, PaperRow] = {
    ("random ranking", "", 0.0): both(1, (1.2, 727), (0.9, 490)),
    ("clean", "RN50", 1.0): both(1, (22.7, 58), (18.5, 60)),
    ("em", "RN50", 1.0): both(1, (13.8, 117), (15.9, 86)),
    ("uap", "RN50", 1.0): both(1, (12.9, 110), (16.5, 76)),
    ("mem-3", "RN50", 1.0): both(1, (4.1, 304), (3.7, 250)),
    ("mem-5", "RN50", 1.0): both(1, (3.8, 308), (3.0, 275)),
    (TRANSFER, "RN50", 1.0): both(2, (None, 308), (None, 275)),
    ("clean", "RN101", 1.0): both(2, (None, 52), (None, 58)),
    ("mem-3", "RN101", 1.0): both(2, (None, 236), (None, 197)),
    ("clean", "ViT-B-32", 1.0): both(2, (None, 53), (None, 52)),
    ("mem-3", "ViT-B-32", 1.0): both(2, (None, 241), (None, 194)),
    ("mem-3", "RN50", 0.9): both(3, (None, 110), (None, 95)),
    ("mem-3", "RN50", 0.5): both(3, (None, 96), (None, 98)),
    ("mem-3", "RN50", 0.2): both(3, (None, 91), (None, 97)),
    ("mem-5", "RN50", 0.9): both(3, (None, 163), (None, 126)),
    ("mem-5", "RN50", 0.5): both(3, (None, 141), (None, 114)),
    ("mem-5", "RN50", 0.2): both(3, (None, 135), (None, 116)),
}

SUITE = Suite(
    name="flickr8k",
    title="Flickr8k",
    kind="captions",
    read=flickr.read,
    layouts=flickr.LAYOUTS,
    published="https://hockenmaier.cs.illinois.edu/Framing_Image_Description (Hodosh et al., 2013)",
    paper=PAPER,
)
