"""PubFig: faces with invented names, one photo of each person to rank (Table 5)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unlearnable.benchmark.suites.base import Corpus, Key, Suite, both, corpus_of
from unlearnable.errors import InputError
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.posts import Skipped, hold_out, named_posts, open_people
from unlearnable.posts import limit as at_most
from unlearnable.report import PaperRow
from unlearnable.wording import counted

PAPER: dict[Key, PaperRow] = {
    ("clean", "RN50", 1.0): both(5, (80.7, 1), (80.7, 1)),
    ("clean", "RN101", 1.0): both(5, (85.3, 1), (85.3, 1)),
    ("clean", "ViT-B-32", 1.0): both(5, (94.0, 1), (94.0, 1)),
    ("mem-3", "RN50", 1.0): both(5, (6.7, 74), (6.7, 74)),
    ("mem-3", "RN101", 1.0): both(5, (6.0, 66), (6.0, 66)),
    ("mem-3", "ViT-B-32", 1.0): both(5, (93.3, 1), (93.3, 1)),
    ("mem-5", "RN50", 1.0): both(5, (8.7, 82), (8.7, 82)),
    ("mem-5", "RN101", 1.0): both(5, (12.7, 58), (12.7, 58)),
    ("mem-5", "ViT-B-32", 1.0): both(5, (91.3, 1), (91.3, 1)),
    ("pretrained", "RN50", 0.0): both(5, (2.6, 77), (2.6, 77)),
    ("pretrained", "RN101", 0.0): both(5, (3.3, 83), (3.3, 83)),
    ("pretrained", "ViT-B-32", 0.0): both(5, (3.0, 87), (3.0, 87)),
}


def read(root: Path, limit: int | None, seed: int) -> Corpus:
    """Read one photo per person to rank and at most `limit` to train on, with invented names in the captions.

    Where the photos to rank are drawn here, those that all but equal one of them are not trained on.

    Raises:
        InputError: the folder has no known layout, fewer than two people, or nothing to train on.
    """
    found = open_people(root)
    people = hold_out(found, seed)
    drawn = people is not found
    if limit is not None:
        people = at_most(people, limit, seed)
    corpus = corpus_of(named_posts(people, seed=seed), None)
    return _without_near(corpus) if drawn else corpus


def _without_near(corpus: Corpus) -> Corpus:
    """Return a corpus without training photos that are near-duplicates of one to rank."""
    train, test = ([item.photo.path for item in items] for items in (corpus.train, corpus.test))
    near = set(near_duplicates(train, test))
    if len(near) == len(train):
        raise InputError("every photo to train on is a near-duplicate of one to rank", hint="pass different photos")
    left = tuple(item for n, item in enumerate(corpus.train) if n not in near)
    names = [corpus.train[n].photo.id for n in sorted(near)]
    skipped = tuple(Skipped(name, "near-duplicate", "of a photo to rank") for name in names)
    notes = [f"not trained on: {counted(len(near), 'near-duplicate')} of photos to rank"] if near else []
    return replace(corpus, train=left, skipped=(*corpus.skipped, *skipped), notes=(*corpus.notes, *notes))


SUITE = Suite(
    name="pubfig",
    title="PubFig",
    kind="faces",
    read=read,
    layouts=(
        "a manifest.jsonl with image and person, dev_urls.txt beside the photos it lists, CelebDataProcessed, "
        "or a folder for each person"
    ),
    published="https://www.cs.columbia.edu/CAVE/databases/pubfig (Kumar et al., 2009)",
    paper=PAPER,
)
