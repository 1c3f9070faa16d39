"""`verify`: train victims on clean and on protected posts, and report what each learnt about held-out photos."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from unlearnable import files
from unlearnable.attacks import parse_attack
from unlearnable.attacks.base import Attack
from unlearnable.config import AS_PUBLISHED, VerifySettings
from unlearnable.errors import InputError
from unlearnable.evaluation.scores import chance
from unlearnable.evaluation.verdict import findings, missed, parse_rule, verdict
from unlearnable.experiments.cells import Experiment
from unlearnable.experiments.models import ModelPool
from unlearnable.models.device import choose_device
from unlearnable.posts.pairs import pairs_of
from unlearnable.posts.pixels import Pixels
from unlearnable.posts.reading import DecodedPosts, open_collection, read_all
from unlearnable.progress import Progress, Silent
from unlearnable.report.html import verify_page
from unlearnable.results import (
    ArmName,
    Finding,
    GalleryRecord,
    References,
    SkippedRecord,
    VerifyReport,
)
from unlearnable.workflows.layout import check_apart
from unlearnable.workflows.verify.arms import VerifyArm, Versions
from unlearnable.workflows.verify.cells import VERSION, run_cells
from unlearnable.workflows.verify.splits import Split, divide, without_near

HALF = 50.0
ABLATIONS: tuple[ArmName, ...] = ("noise-only", "trigger-only", "random")


def verify(settings: VerifySettings, *, overwrite: bool = False, progress: Progress | None = None) -> VerifyReport:
    """Measure the protection that the settings name, and write the report beside the protected folder.

    A cell (victim, arm, attack, seed) that was run before with the same settings and data is reused.

    Args:
        settings: see `unlearnable.config.VerifySettings`.
        overwrite: run every cell again.
        progress: receives progress updates.

    Raises:
        ConfigError: an attack does not exist, or a requirement cannot be read.
        InputError: originals and protected posts do not match, or nothing is left to train on or to rank.
        ModelError: a victim is not available.
    """
    started, progress = time.monotonic(), progress or Silent()
    rules = [parse_rule(text) for text in settings.require]
    arms_wanted = arms_to_run(settings)
    check_apart(output_folder(settings), settings.originals, settings.protected)
    device = choose_device(settings.device)
    posts = divide(settings, progress)
    pool = ModelPool(device, settings.from_scratch)
    side = max(pool.pretrained(name).image_size for name in settings.victims)
    files.check_writable(output_folder(settings))
    with tempfile.TemporaryDirectory(prefix="unlearnable-") as temporary:
        scratch = Path(temporary)
        decoded = _gallery(posts, side, scratch, progress)
        gallery = pairs_of(decoded.pixels, decoded.captions)
        background, background_near = _background(settings, posts, side, scratch, progress)
        versions = Versions(posts.train, side, scratch, background, settings.seed)
        versions.read(arms_wanted, progress)
        gallery_digest = hashlib.sha256(f"{decoded.pixels.sha256()} {decoded.captions}".encode()).hexdigest()
        experiment = Experiment(pool, gallery, gallery_digest, VERSION)
        arms = [VerifyArm(data, attack, versions) for data, attack in arms_wanted]
        folder = output_folder(settings) / "cells"
        results = run_cells(experiment, settings, arms, folder, overwrite=overwrite, progress=progress)
    references = References(random=chance(gallery), pretrained=results.pretrained)
    all_findings = findings(results.cells, references)
    report = VerifyReport(
        originals=str(settings.originals),
        protected=str(settings.protected),
        output=str(output_folder(settings)),
        gallery=GalleryRecord(
            source=posts.source,
            photos=len(decoded.photos),
            captions=len(gallery),
            split_seed=settings.seed,
            train_photos=len(posts.train),
            train_pairs=sum(len(post.clean) for post in posts.train),
            background_photos=len(background.photos),
            near_duplicates=posts.near + background_near,
        ),
        references=references,
        cells=results.cells,
        findings=all_findings,
        verdict=verdict(all_findings),
        required=list(settings.require),
        missed=missed(rules, results.cells, all_findings),
        skipped=[SkippedRecord.of(skip) for skip in [*posts.skipped, *decoded.skipped, *background.skipped]],
        notes=_notes(settings, references, all_findings),
        seeds=list(settings.seeds),
        from_scratch=settings.from_scratch,
        batch_size=settings.batch_size,
        smallest_crop=settings.smallest_crop,
        device=device,
        ran=results.ran,
        reused=len(results.cells) - results.ran,
        seconds=round(time.monotonic() - started, 1),
    )
    files.write_text(output_folder(settings) / "report.html", verify_page(report))
    files.write_text(output_folder(settings) / "report.json", report.model_dump_json(indent=2) + "\n")
    return report


def _notes(settings: VerifySettings, references: References, all_findings: Sequence[Finding]) -> list[str]:
    """Return remarks that a reader needs to interpret the figures."""
    notes = []
    chance_level = references.random.text_to_image.hit10
    if chance_level > HALF:
        notes.append(f"so few photos are held out that a random order has a Hit@10 of {chance_level:.0f} %: use more")
    if len(settings.seeds) < 3:
        notes.append(f"{len(settings.seeds)} seed: repeat with --seeds 0,1,2 before you rely on a difference")
    if any(finding.outcome == "cannot be judged" for finding in all_findings):
        notes.append(
            "protection cannot be judged if clean posts teach a victim less than 10 points of Hit@10: use more photos, "
            "more --epochs, a larger --lr, or a victim that does not know such photos yet"
        )
    return notes


def output_folder(settings: VerifySettings) -> Path:
    """Return the folder of the report and the cells."""
    protected = settings.protected.absolute()
    return settings.output or protected.with_name(f"{protected.name}.verify")


def arms_to_run(settings: VerifySettings) -> list[tuple[ArmName, Attack]]:
    """Return pairs of arm and attack: protected posts with each attack, clean posts and ablations with none.

    Raises:
        ConfigError: an attack does not exist.
    """
    unchanged = parse_attack(AS_PUBLISHED)
    arms: list[tuple[ArmName, Attack]] = [("clean", unchanged)]
    arms += [("protected", parse_attack(name)) for name in dict.fromkeys(settings.through)]
    return arms + [(data, unchanged) for data in ABLATIONS if settings.ablations]


def _gallery(posts: Split, side: int, scratch: Path, progress: Progress) -> DecodedPosts:
    decoded = DecodedPosts(Pixels.create(scratch / "gallery.u8"))
    progress.phase("reading held-out photos", len(posts.held_out))
    for photo, captions in posts.held_out:
        decoded.add(photo, captions, side)
        progress.advance()
    if len(decoded.photos) < 2:
        raise InputError("fewer than two held-out photos can be read", hint="fix those files or pass different ones")
    return decoded


def _background(
    settings: VerifySettings, posts: Split, side: int, scratch: Path, progress: Progress
) -> tuple[DecodedPosts, list[str]]:
    """Return other people's posts, and those of their photos left out as near-duplicates of held-out ones."""
    background = DecodedPosts(Pixels.create(scratch / "background.u8"))
    if settings.background is None:
        return background, []
    dataset, dropped = without_near(open_collection(settings.background, settings.background_captions), posts.held_out)
    if not dataset.photos:
        raise InputError(
            f"every photo in {dataset.root} is a near-duplicate of a held-out one", hint="pass different photos"
        )
    read_all([dataset], side, background, progress)
    background.skipped += dataset.skipped
    return background, dropped
