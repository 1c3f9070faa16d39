"""`verify`: train victims on clean and on protected posts, and report what each learnt about held-out photos."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.models.device import choose_device
from unlearnable.models.openclip import fetch
from unlearnable.report import VerifyReport
from unlearnable.settings import VerifySettings, absolute
from unlearnable.storage import files, locks
from unlearnable.storage.folders import check_apart, refuse_among, refuse_published
from unlearnable.storage.locks import scratch_folder
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import DecodedPosts, Pixels, pairs_of, read_all
from unlearnable.training.retrieval import chance
from unlearnable.verify.arms import Arms
from unlearnable.verify.cells import Experiment, ModelPool
from unlearnable.verify.copies import refuse_wrong_pair
from unlearnable.verify.plan import VERSION, Wanted, run_cells, wanted
from unlearnable.verify.splits import (
    Crowd,
    Split,
    apart,
    asked_for,
    divide,
    leaked_posts,
    note_on_few,
    open_crowd,
    open_others,
    without_near,
)
from unlearnable.verify.summary import Study, summarise, verify_page
from unlearnable.verify.verdict import Rule, parse_rule

CELLS = "cells"  # folder of the cells


def verify(settings: VerifySettings, *, overwrite: bool = False, progress: Progress | None = None) -> VerifyReport:
    """Measure the protection that the settings name, and write the report beside the protected folder.

    A cell (victim, arm, attack, attacker, seed) that was run before with the same settings and data is reused.

    Args:
        settings: see `unlearnable.settings.VerifySettings`.
        overwrite: run every cell again.
        progress: receives progress updates.

    Raises:
        ConfigError: an attack or an attacker does not exist, a requirement cannot be read, or folders are exchanged or
            hold the output.
        InputError: originals and protected posts do not match, the run that made these was stopped, or nothing is left
            to train on or to rank.
        ModelError: a victim is not available.
        OutputError: the folder of the report cannot be written or holds a report of something else, or another run is
            writing to it.
    """
    started, rules, folder = time.monotonic(), [parse_rule(text) for text in settings.require], output_folder(settings)
    asked = wanted(settings)
    refuse_wrong_pair(settings.originals, settings.copies)
    for written in (folder, folder / CELLS):
        check_apart(written, settings.originals, settings.copies)
    others = (settings.test, settings.background, settings.crowd, settings.crowd_test)
    refuse_among(folder, *(path.parent if path and path.is_file() else path for path in others))
    refuse_published(folder / "report.json")
    files.refuse_others(folder, "report.json", "report.html")
    with locks.lock_output(folder, folder / ".lock", "run of verify"):
        report = _verified(settings, asked, rules, overwrite=overwrite, progress=progress or Silent())
        report = report.model_copy(update={"seconds": round(time.monotonic() - started, 1)})
        files.write_text(folder / "report.html", verify_page(report))
        files.write_text(folder / "report.json", report.model_dump_json(indent=2) + "\n")
    return report


def output_folder(settings: VerifySettings) -> Path:
    """Return the folder of the report and the cells."""
    copies = absolute(settings).copies
    return settings.output or copies.with_name(f"{copies.name}.verify")


def _verified(
    settings: VerifySettings, asked: Wanted, rules: Sequence[Rule], *, overwrite: bool, progress: Progress
) -> VerifyReport:
    """Run the missing cells; return the report with 0 seconds, which the caller sets."""
    folder, device = output_folder(settings), choose_device(settings.device)
    crowd = open_crowd(settings)
    split = divide(settings, progress, crowd.held_out if crowd else ())
    crowd = crowd and apart(crowd, split)
    leaked = frozenset[int]()
    if crowd and settings.leaked:
        leaked = leaked_posts(len(split.train), settings.leaked, settings.seed)
    fetch(settings.victims, progress)
    pool = ModelPool(device, settings.from_scratch)
    side = max(pool.pretrained(name).image_size for name in settings.victims)
    with scratch_folder() as scratch:
        held_out, experiment = _gallery(pool, split, crowd, side, scratch, progress)
        for line in note_on_few(settings, chance(experiment.gallery, experiment.queries), split.source):
            progress.note(line)
        background, background_near = _background(settings, split, crowd, side, scratch, progress)
        arms = Arms(split.train, side, scratch, background, settings.seed, leaked)
        arms.read([(cell.data, cell.attack) for cell in asked.cells], progress)
        results = run_cells(
            experiment, settings, arms, asked.cells, folder / CELLS, overwrite=overwrite, progress=progress
        )
        study = Study(split, held_out, background, background_near, experiment, crowd, leaked)
        report = summarise(settings, folder, study, results, rules)
    return report.model_copy(update={"not_tested": [*asked.not_tested, *results.not_made.values()]})


def _gallery(
    pool: ModelPool, split: Split, crowd: Crowd | None, side: int, scratch: Path, progress: Progress
) -> tuple[DecodedPosts, Experiment]:
    """Return the photos to rank, the crowd's last, and the victims with them; only the user's own queries count."""
    decoded, own = DecodedPosts(Pixels.create(scratch / "gallery.u8")), 0
    others = crowd.held_out if crowd else []
    progress.phase("reading held-out photos", len(split.held_out) + len(others))
    for held_out in (split.held_out, others):
        own = len(decoded.photos)
        for photo, captions in held_out:
            decoded.add(photo, captions, side)
            progress.advance()
    own = own if crowd else len(decoded.photos)
    if len(decoded.photos) < 2 or not own or (crowd and own == len(decoded.photos)):
        raise InputError("too few held-out photos can be read", hint="fix those files or pass different ones")
    return decoded, Experiment(
        pool,
        pairs_of(decoded.pixels, decoded.captions),
        hashlib.sha256(f"{decoded.pixels.sha256()} {decoded.captions}".encode()).hexdigest(),
        VERSION,
        queries=own if crowd else None,
        identities=asked_for(split, crowd, decoded, own) if crowd else None,
    )


def _background(
    settings: VerifySettings, split: Split, crowd: Crowd | None, side: int, scratch: Path, progress: Progress
) -> tuple[DecodedPosts, list[str]]:
    """Return other people's posts, and those of their photos left out: they are near-duplicates of the user's own."""
    background, near = DecodedPosts(Pixels.create(scratch / "background.u8")), []
    collections = [crowd.train] if crowd else []
    held_out = [photo.path for photo, _ in (*split.held_out, *(crowd.held_out if crowd else []))]
    own = [*held_out, *(post.original.path for post in split.train)]
    if settings.background is not None:
        collections.append(open_others(settings.background, settings))
    for collection in collections:
        dataset, dropped = without_near(collection, own)
        if not dataset.photos:
            raise InputError(
                f"every photo in {dataset.root} is a near-duplicate of a protected or held-out one",
                hint="pass different photos",
            )
        read_all([dataset], side, background, progress)
        background.skipped += dataset.skipped
        near += dropped
    return background, near
