"""`verify`: train victims on the clean and on the protected posts, and say what each learnt of held-out photos."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnable import files
from unlearnable.config import VerifySettings
from unlearnable.countermeasures import find
from unlearnable.datasets import Photo, Skipped
from unlearnable.errors import InputError
from unlearnable.evaluation.retrieval import random_reference
from unlearnable.evaluation.verdict import check_rules, findings, missed, verdict
from unlearnable.progress import Progress, Silent
from unlearnable.report.html import verify_page
from unlearnable.results import (
    BothWays,
    Data,
    Finding,
    GalleryRecord,
    References,
    Retrieval,
    SkippedRecord,
    VerifyReport,
)
from unlearnable.training.pairs import Pairs, pairs_of
from unlearnable.training.posts import Pixels
from unlearnable.workflows.arms import PLAIN, Arms
from unlearnable.workflows.cells import Plan, run_cells
from unlearnable.workflows.duplicates import near_duplicates
from unlearnable.workflows.matching import Post, match, open_protected
from unlearnable.workflows.reading import Shelf, open_collection, read_all, texts_of
from unlearnable.workflows.run import choose_device
from unlearnable.workflows.train import split
from unlearnable.workflows.victims import load_victims

ABLATIONS: tuple[Data, ...] = ("noise-only", "trigger-only", "random")


@dataclass(frozen=True)
class Split:
    """What is trained on, what is ranked, and what was left out of both."""

    train: list[Post]
    held_out: list[tuple[Photo, list[str]]]
    source: str
    near: list[str]
    skipped: list[Skipped]


def verify(settings: VerifySettings, *, overwrite: bool = False, progress: Progress | None = None) -> VerifyReport:
    """Measure the protection that the settings name, and write the report beside the protected folder.

    A cell (victim, arm, countermeasure, seed) that was run before with the same settings and data is read, not run.

    Args:
        settings: see `unlearnable.config.VerifySettings`.
        overwrite: run every cell again.
        progress: told what happens.

    Raises:
        ConfigError: a countermeasure or requirement that does not exist.
        InputError: originals and protected posts do not belong together, or nothing is left to train on or to rank.
        ModelError: a victim is not available.
    """
    started, progress = time.monotonic(), progress or Silent()
    check_rules(settings.require)
    for name in settings.through:
        find(name)
    device = choose_device(settings.device)
    posts = divide(settings, progress)
    victims = load_victims(settings, device)
    side = max(victim.model.image_size for victim in victims)
    with tempfile.TemporaryDirectory(prefix="unlearnable-") as folder:
        scratch = Path(folder)
        shelf = _gallery(posts, side, scratch, progress)
        gallery = pairs_of(shelf.pixels, shelf.captions)
        background = _background(settings, side, scratch, progress)
        arms = Arms(posts.train, side, scratch, background, settings.seed)
        arms.read(list(dict.fromkeys(wanted(settings))), progress)
        shown = f"{shelf.pixels.sha256()} {shelf.captions}"
        plan = Plan(settings, arms, gallery, shown, wanted(settings), place(settings) / "cells")
        done = run_cells(plan, victims, overwrite=overwrite, progress=progress)
    references = References(random=_random(gallery), pretrained=done.pretrained)
    found = findings(done.cells, references)
    report = VerifyReport(
        originals=str(settings.originals),
        protected=str(settings.protected),
        output=str(place(settings)),
        gallery=GalleryRecord(
            source=posts.source,
            photos=len(shelf.photos),
            captions=len(gallery),
            split_seed=settings.seed,
            train_photos=len(posts.train),
            train_pairs=sum(len(post.clean) for post in posts.train),
            background_photos=len(background.photos),
            near_duplicates=posts.near,
        ),
        references=references,
        cells=done.cells,
        findings=found,
        verdict=verdict(found),
        required=list(settings.require),
        missed=missed(settings.require, done.cells, found),
        skipped=[
            SkippedRecord(where=s.where, reason=s.reason, detail=s.detail)
            for s in [*posts.skipped, *shelf.skipped, *background.skipped]
        ],
        notes=_notes(settings, found),
        seeds=list(settings.seeds),
        from_scratch=settings.from_scratch,
        batch_size=settings.batch_size,
        smallest_crop=settings.smallest_crop,
        device=device,
        ran=done.ran,
        reused=len(done.cells) - done.ran,
        seconds=round(time.monotonic() - started, 1),
    )
    files.write_text(place(settings) / "report.html", verify_page(report))
    files.write_text(place(settings) / "report.json", report.model_dump_json(indent=2) + "\n")
    return report


def _notes(settings: VerifySettings, found: Sequence[Finding]) -> list[str]:
    """What a reader must know to read the figures right."""
    notes = []
    if len(settings.seeds) < 3:
        notes.append(f"{len(settings.seeds)} seed: repeat it with --seeds 0,1,2 before you rely on a difference")
    if any(one.outcome == "cannot be judged" for one in found):
        notes.append(
            "where clean posts teach little beyond what the victim knew (under 10 points of Hit@10), nothing can be "
            "judged: give more photos, more --epochs, a larger --lr, or a victim that does not know such photos yet"
        )
    return notes


def place(settings: VerifySettings) -> Path:
    """Where the report and the cells go."""
    protected = settings.protected.absolute()
    return settings.output or protected.with_name(f"{protected.name}.verify")


def wanted(settings: VerifySettings) -> list[tuple[Data, str]]:
    """Arms and countermeasures: clean posts as they are, protected ones through each, the ablations as they are."""
    arms: list[tuple[Data, str]] = [("clean", PLAIN)]
    arms += [("protected", name) for name in dict.fromkeys(settings.through)]
    return arms + [(data, PLAIN) for data in ABLATIONS if settings.ablations]


def divide(settings: VerifySettings, progress: Progress) -> Split:
    """Pair originals and copies, hold photos out, and drop what all but equals a held-out photo.

    Raises:
        InputError: they do not belong together, or nothing is left to train on or to rank.
    """
    originals = open_collection(settings.originals, settings.captions)
    protected = open_protected(settings.protected, originals, settings.protected_captions)
    posts, skipped = match(originals, protected)
    if settings.test is not None:
        test = open_collection(settings.test, settings.test_captions)
        texts = texts_of(test)
        held_out = [(photo, texts[photo.id]) for photo in test.photos]
        train, source = posts, f"the folder {settings.test.name}"
    else:
        kept, out = split([post.original for post in posts], settings.test_fraction, settings.seed)
        held_out = [(posts[n].original, list(posts[n].clean)) for n in out]
        train, source = [posts[n] for n in kept], _source(posts, settings)
    if not train or len(held_out) < 2:
        raise InputError(
            f"{len(train)} photos to train on and {len(held_out)} held out are too few",
            hint="give more photos, a larger --test-fraction, or photos of their own with --test",
        )
    progress.phase("looking for near-duplicates", 1)
    near = set(near_duplicates([p.original.path for p in train], [photo.path for photo, _ in held_out]))
    names = [train[n].original.id for n in sorted(near)]
    train = [post for n, post in enumerate(train) if n not in near]
    if not train:
        raise InputError("every training photo all but equals a held-out one", hint="give other photos with --test")
    return Split(train, held_out, source, names, skipped)


def _source(posts: Sequence[Post], settings: VerifySettings) -> str:
    if any(post.original.split for post in posts):
        return "the split that the data names"
    return f"{100 * settings.test_fraction:.0f} % of the photos, drawn with seed {settings.seed}"


def _gallery(posts: Split, side: int, scratch: Path, progress: Progress) -> Shelf:
    shelf = Shelf(Pixels(scratch / "gallery.u8"))
    progress.phase("reading held-out photos", len(posts.held_out))
    for photo, captions in posts.held_out:
        shelf.add(photo, captions, side)
        progress.advance()
    if len(shelf.photos) < 2:
        raise InputError("fewer than two held-out photos can be read", hint="mend them or give others")
    return shelf


def _background(settings: VerifySettings, side: int, scratch: Path, progress: Progress) -> Shelf:
    shelf = Shelf(Pixels(scratch / "background.u8"))
    if settings.background is not None:
        read_all([open_collection(settings.background, settings.background_captions)], side, shelf, progress)
    return shelf


def _random(gallery: Pairs) -> BothWays:
    chance = random_reference(int(gallery.photos.max()) + 1, gallery.photos)
    there, back = (
        Retrieval(hit1=one.hit(1), hit5=one.hit(5), hit10=one.hit(10), medr=one.medr())
        for one in (chance.image_to_text, chance.text_to_image)
    )
    return BothWays(image_to_text=there, text_to_image=back)
