"""`protect`: read posts, make noise and triggers, write files, prove what was written."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from unlearnable import checkpoint, config, files
from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset, Pair, open_dataset
from unlearnable.errors import CheckpointError, ConfigError, OutputError
from unlearnable.methods import METHODS
from unlearnable.methods.base import Method, Problem, State
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import load
from unlearnable.models.tokens import Slot
from unlearnable.progress import Progress, Silent
from unlearnable.report.html import protect_page
from unlearnable.results import ManifestLine, ProtectPlan, ProtectReport, SkippedRecord, SurrogateLoss
from unlearnable.training.posts import Pixels
from unlearnable.workflows import memory
from unlearnable.workflows.check import measure_losses, reread_captions
from unlearnable.workflows.places import Places, check, claim, places
from unlearnable.workflows.prepare import Prepared, captions_of, cut_captions, pose, read_photos
from unlearnable.workflows.publish import compose, write_caption_files, write_photos


@dataclass(frozen=True)
class Run:
    """A run made ready: what is to be protected, by what, and where it goes."""

    settings: ProtectSettings
    where: Places
    dataset: Dataset
    prepared: Prepared
    pairs: dict[str, list[Pair]]
    slots: dict[str, list[Slot]]
    problem: Problem
    method: Method
    key: str
    scratch: Path


def protect(
    settings: ProtectSettings, *, resume: bool = False, overwrite: bool = False, progress: Progress | None = None
) -> ProtectReport:
    """Protect the photos and captions that the settings name.

    Args:
        settings: see `unlearnable.config.resolve`.
        resume: go on with a run that was stopped; the result is the same to the byte.
        overwrite: replace an earlier result.
        progress: told what happens.

    Raises:
        InputError: nothing there can be protected.
        ModelError: a surrogate is not available.
        OutputError: results exist already or cannot be written.
        CheckpointError: the run to be resumed had other settings or other photos.
    """
    started, progress = time.monotonic(), progress or Silent()
    where = places(settings.photos, settings.output)
    dataset = open_dataset(settings.photos, settings.captions)
    method: Method = METHODS[settings.method]()
    key = run_key(settings, dataset)
    if resume and where.report.is_file():
        return _finished_report(where, key)
    check(where, resume=resume, overwrite=overwrite)
    surrogates = load_surrogates(settings)
    with tempfile.TemporaryDirectory(prefix="unlearnable-") as scratch:
        run = make_ready(settings, where, dataset, method, surrogates, Path(scratch), progress)
        claim(where, resume=resume)
        state, losses, stopped = optimise(run, resume=resume, progress=progress)
        return _publish(run, state, losses, stopped, started, progress)


def run_key(settings: ProtectSettings, dataset: Dataset) -> str:
    """What the result depends on: settings and data. A checkpoint is bound to it."""
    return hashlib.sha256(f"{config.digest(settings)} {dataset.fingerprint}".encode()).hexdigest()


def load_surrogates(settings: ProtectSettings) -> list[DualEncoder]:
    """The surrogates on the device of the settings."""
    return [load(name).to(choose_device(settings.device)) for name in settings.surrogate]


def choose_device(wanted: str) -> str:
    """The device that `wanted` means here: "auto" takes a GPU where there is one.

    Raises:
        ConfigError: the device asked for is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if there["cuda"] else "mps" if there["mps"] else "cpu"
    if not there[wanted]:
        raise ConfigError(f"this machine has no {wanted} device that torch can use", hint="--device cpu works anywhere")
    return wanted


def make_ready(
    settings: ProtectSettings,
    where: Places,
    dataset: Dataset,
    method: Method,
    surrogates: list[DualEncoder],
    scratch: Path,
    progress: Progress,
) -> Run:
    """Decode the photos and pose the problem; working copies go to `scratch`, which the caller removes."""
    pixels = Pixels(scratch / "pixels.u8")
    side = max(model.image_size for model in surrogates)
    prepared = read_photos(dataset, settings, side, pixels, memory.made(), progress)
    pairs = captions_of(dataset)
    slots = cut_captions(pairs, settings, settings.trigger_length if method.has_trigger else 0)
    problem = pose(prepared, pixels, pairs, slots, surrogates, settings)
    return Run(settings, where, dataset, prepared, pairs, slots, problem, method, run_key(settings, dataset), scratch)


def optimise(run: Run, *, resume: bool, progress: Progress) -> tuple[State, list[float], str]:
    """Run the method until its loss is under the threshold or its rounds are over.

    Returns:
        The final state, the loss after each round, and "threshold" or "rounds".
    """
    settings, path = run.settings, run.where.checkpoint
    files.write_text(run.where.settings, config.to_toml(settings))
    losses: list[float] = []
    saved = checkpoint.load(path, run.key) if resume and path.is_file() else None
    progress.phase(f"optimising ({settings.method})", settings.max_rounds)
    state = run.method.start(run.problem, settings)
    if saved is not None:
        state.restore(saved["method"])
        losses = saved["losses"]
        progress.advance(len(losses))
        progress.note(f"going on after round {len(losses)}")
    for done in [] if _stop(settings, losses) else run.method.rounds(run.problem, settings, state):
        losses.append(done.loss)
        checkpoint.save(path, run.key, {"method": state.export(), "losses": losses})
        progress.advance(1, loss=done.loss, **done.metrics)
        if _stop(settings, losses):
            break
    return state, losses, _stop(settings, losses) or "rounds"


def _stop(settings: ProtectSettings, losses: list[float]) -> str:
    """Why to stop now, or nothing. The moving average is over two rounds."""
    if len(losses) >= 2 and sum(losses[-2:]) / 2 < settings.threshold:
        return "threshold"
    return "rounds" if len(losses) >= settings.max_rounds else ""


def _publish(
    run: Run, state: State, rounds: list[float], stopped: str, started: float, progress: Progress
) -> ProtectReport:
    """Write photos, captions, manifest and report, the report last of all."""
    vocabulary = run.problem.vocabulary
    triggers = [vocabulary.trigger(row) if row else None for row in state.triggers.tolist()]
    plan = compose(run.prepared, run.pairs, run.slots, triggers)
    lines = write_photos(plan, state, run.settings, run.where, progress)
    caption_file = write_caption_files(plan, run.dataset, run.where)
    roundtrip, texts = reread_captions(plan, run.where, caption_file)
    losses = measure_losses(run.problem, state, plan, texts, run.where.output, run.scratch, progress)
    report = _report(run, lines, losses, rounds, roundtrip, stopped, time.monotonic() - started)
    try:
        memory.remember(run.where.photos, run.where.output, [line.sha256_out for line in lines if line.sha256_out])
    except OutputError as error:  # no reason to lose a finished run
        progress.note(f"this run will not be remembered: {error.message}")
    files.write_text(run.where.page, protect_page(report, lines))
    files.write_text(run.where.report, report.model_dump_json(indent=2) + "\n")
    shutil.rmtree(run.where.checkpoint.parent)
    return report


def _report(
    run: Run,
    lines: list[ManifestLine],
    losses: list[SurrogateLoss],
    rounds: list[float],
    roundtrip: float,
    stopped: str,
    seconds: float,
) -> ProtectReport:
    made = [line for line in lines if line.status == "protected"]
    psnr = [line.psnr for line in made if line.psnr is not None]
    return ProtectReport(
        output=str(run.where.output),
        private=str(run.where.private),
        captions_file=run.dataset.source.name if run.dataset.source else None,
        caption_format=run.dataset.format,
        method=run.settings.method,
        photos=len(run.dataset.photos),
        protected=len(made),
        captions=sum(len(line.captions) for line in made),
        skipped=[SkippedRecord(where=s.where, reason=s.reason, detail=s.detail) for s in run.prepared.skipped],
        linf_max=max(line.linf or 0 for line in made),
        psnr_mean=_mean(psnr),
        psnr_min=min(psnr, default=0.0),
        ssim_mean=_mean([line.ssim or 0.0 for line in made]),
        loss_first=_mean([loss.clean_pretrained for loss in losses]),
        loss_last=_mean([loss.protected_trained for loss in losses]),
        loss_rounds=rounds,
        losses=losses,
        rounds=len(rounds),
        stopped="threshold" if stopped == "threshold" else "rounds",
        surrogates=list(run.settings.surrogate),
        trigger_roundtrip=roundtrip,
        run=run.key,
        seed=run.settings.seed,
        device=str(run.problem.surrogates[0].device),
        seconds=round(seconds, 1),
        notes=_notes(run, made),
    )


def _notes(run: Run, made: list[ManifestLine]) -> list[str]:
    """What a person should know about this run without asking."""
    notes = []
    invented = sum(pair.record < 0 for photo in run.prepared.photos for pair in run.pairs[photo.id])
    if invented:
        notes.append(f"{invented} photos had no caption; theirs was made from the file name")
    if run.settings.format == "jpeg":
        notes.append("JPEG weakens the noise and goes beyond its bound; linf is what was measured")
    if run.settings.keep_metadata == "all":
        notes.append("all metadata was kept: GPS where there was any, and thumbnails, which show the photo unprotected")
    changed = sum(bool(line.notes) for line in made)
    if changed:
        notes.append(
            f"{changed} photos lost something on the way (frames, depth, colour space); the manifest says what"
        )
    return notes


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _finished_report(where: Places, key: str) -> ProtectReport:
    """The report of a run that is complete already."""
    report = ProtectReport.model_validate_json(where.report.read_text(encoding="utf-8"))
    if report.run != key:
        raise CheckpointError(
            f"{where.private} holds a finished run of other settings or photos", hint="use --overwrite"
        )
    return report


def plan(settings: ProtectSettings, *, progress: Progress | None = None) -> ProtectPlan:
    """Say what `protect` would do; nothing is written. The time is estimated from one batch.

    Raises:
        The same as `protect`, but for what concerns the output.
    """
    progress = progress or Silent()
    where = places(settings.photos, settings.output)
    dataset = open_dataset(settings.photos, settings.captions)
    method: Method = METHODS[settings.method]()
    surrogates = load_surrogates(settings)
    with tempfile.TemporaryDirectory(prefix="unlearnable-") as scratch:
        began = time.monotonic()
        run = make_ready(settings, where, dataset, method, surrogates, Path(scratch), progress)
        reading = time.monotonic() - began
        seconds = 3 * reading + _optimising_seconds(run)
    return ProtectPlan(
        output=str(where.output),
        caption_format=dataset.format,
        photos=len(run.prepared.photos),
        captions=sum(len(run.pairs[photo.id]) for photo in run.prepared.photos),
        skipped=[SkippedRecord(where=s.where, reason=s.reason, detail=s.detail) for s in run.prepared.skipped],
        surrogates=list(settings.surrogate),
        rounds_at_most=settings.max_rounds,
        seconds_estimated=round(seconds, 1),
        bytes_estimated=sum(3 * photo.path.stat().st_size for photo in run.prepared.photos),
    )


def _optimising_seconds(run: Run) -> float:
    """Time one round on at most a batch of the posts, and scale it to all posts and rounds."""
    some = min(len(run.problem.posts), run.settings.batch_size)
    small = dataclasses.replace(run.problem, posts=run.problem.posts.first(some), grids=run.problem.grids[:some])
    began = time.monotonic()
    state = run.method.start(small, run.settings)
    next(run.method.rounds(small, run.settings, state))
    return (time.monotonic() - began) * len(run.problem.posts) / some * run.settings.max_rounds
