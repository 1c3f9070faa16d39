"""`verify`: train victims on clean and on protected posts, and report what each learnt about held-out photos."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
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
from unlearnable.verify.arms import VerifyArm, Versions
from unlearnable.verify.cells import Experiment, leaked_posts
from unlearnable.verify.copies import refuse_exchanged, refuse_unfinished
from unlearnable.verify.crowd import Crowd, apart, asked_for, open_crowd
from unlearnable.verify.page import verify_page
from unlearnable.verify.plan import VERSION, Grid, Wanted, run_cells, wanted
from unlearnable.verify.splits import Split, divide, open_others, too_few, without_near
from unlearnable.verify.summary import Study, summarise
from unlearnable.verify.verdict import Rule, parse_rule
from unlearnable.verify.victims import ModelPool, victims_of

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
    refuse_exchanged(settings.originals, settings.copies)
    refuse_unfinished(settings.copies)
    for written in (folder, folder / CELLS):
        check_apart(written, settings.originals, settings.copies)
    refuse_among(folder, settings.test, settings.background, settings.crowd, settings.crowd_test)
    refuse_published(folder / "report.json")
    files.refuse_others(folder, "report.json", "report.html")
    with locks.held(folder, folder / ".lock", "run of verify"):
        report = _verified(settings, asked, rules, overwrite=overwrite, progress=progress or Silent())
        report = report.model_copy(update={"seconds": round(time.monotonic() - started, 1)})
        files.write_text(folder / "report.html", verify_page(report))
        files.write_text(folder / "report.json", report.model_dump_json(indent=2) + "\n")
    return report


def _verified(
    settings: VerifySettings, asked: Wanted, rules: Sequence[Rule], *, overwrite: bool, progress: Progress
) -> VerifyReport:
    """Run the missing cells; return the report with 0 seconds, which the caller sets."""
    folder, device = output_folder(settings), choose_device(settings.device)
    crowd = open_crowd(settings)
    split = divide(settings, progress, crowd.held_out if crowd else ())
    crowd = crowd and apart(crowd, split)
    some = crowd and settings.leaked
    leaked = leaked_posts(len(split.train), settings.leaked, settings.seed) if some else frozenset()
    fetch(settings.victims, progress)
    pool = ModelPool(device, settings.from_scratch)
    side = max(pool.pretrained(name).image_size for name in settings.victims)
    with scratch_folder() as scratch:
        held_out, own = _gallery(split, crowd, side, scratch, progress)
        experiment = _experiment(pool, split, crowd, held_out, own)
        if few := too_few(settings, chance(experiment.gallery, experiment.queries), split.source):
            progress.note(few)
        background, background_near = _background(settings, split, crowd, side, scratch, progress)
        versions = Versions(split.train, side, scratch, background, settings.seed, leaked)
        arms = {(data, attack.name): VerifyArm(data, attack, versions) for data, attack, _ in asked.cells}
        versions.read([(arm.data, arm.attack) for arm in arms.values()], progress)
        grid = Grid([(arms[cell.data, cell.attack.name], cell.attacker) for cell in asked.cells], asked.attackers)
        results = run_cells(experiment, settings, grid, folder / CELLS, overwrite=overwrite, progress=progress)
    victims = victims_of(settings, pool)
    study = Study(split, held_out, background, background_near, experiment, crowd, leaked, victims)
    report = summarise(settings, folder, study, results, rules)
    return report.model_copy(update={"not_tested": [*asked.not_tested, *results.not_made.values()]})


def output_folder(settings: VerifySettings) -> Path:
    """Return the folder of the report and the cells."""
    copies = absolute(settings).copies
    return settings.output or copies.with_name(f"{copies.name}.verify")


def _gallery(
    posts: Split, crowd: Crowd | None, side: int, scratch: Path, progress: Progress
) -> tuple[DecodedPosts, int]:
    """Return the photos to rank, the crowd's last, and the number of those that are not the crowd's."""
    decoded, own = DecodedPosts(Pixels.create(scratch / "gallery.u8")), 0
    others = crowd.held_out if crowd else []
    progress.phase("reading held-out photos", len(posts.held_out) + len(others))
    for held_out in (posts.held_out, others):
        own = len(decoded.photos)
        for photo, captions in held_out:
            decoded.add(photo, captions, side)
            progress.advance()
    own = own if crowd else len(decoded.photos)
    if len(decoded.photos) < 2 or not own or (crowd and own == len(decoded.photos)):
        raise InputError("too few held-out photos can be read", hint="fix those files or pass different ones")
    return decoded, own


def _experiment(pool: ModelPool, posts: Split, crowd: Crowd | None, gallery: DecodedPosts, own: int) -> Experiment:
    """Return the victims and what they rank; beside a crowd only queries of the first `own` photos count."""
    digest = hashlib.sha256(f"{gallery.pixels.sha256()} {gallery.captions}".encode()).hexdigest()
    experiment = Experiment(pool, pairs_of(gallery.pixels, gallery.captions), digest, VERSION)
    if crowd is None:
        return experiment
    return replace(experiment, queries=own, identities=asked_for(posts, crowd, gallery, own))


def _background(
    settings: VerifySettings, posts: Split, crowd: Crowd | None, side: int, scratch: Path, progress: Progress
) -> tuple[DecodedPosts, list[str]]:
    """Return other people's posts, and those of their photos left out: they are near-duplicates of the user's own."""
    background, near = DecodedPosts(Pixels.create(scratch / "background.u8")), []
    collections = [crowd.train] if crowd else []
    held_out = [photo.path for photo, _ in (*posts.held_out, *(crowd.held_out if crowd else []))]
    own = [*held_out, *(post.original.path for post in posts.train)]
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
