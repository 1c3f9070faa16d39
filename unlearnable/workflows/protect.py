"""`protect`: read posts, make noise and triggers, write files, prove what was written."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from unlearnable import config, files
from unlearnable.config import ProtectSettings
from unlearnable.datasets import open_dataset
from unlearnable.errors import CheckpointError, ConfigError, OutputError
from unlearnable.methods import METHODS
from unlearnable.methods.base import State
from unlearnable.models.sentence import as_sentence
from unlearnable.models.tokens import Slot
from unlearnable.progress import Progress, Silent
from unlearnable.report.html import protect_page
from unlearnable.results import ProtectReport
from unlearnable.workflows import memory
from unlearnable.workflows.check import measure_losses, reread_captions
from unlearnable.workflows.optimise import Making, optimise
from unlearnable.workflows.places import Places, check, claim, places
from unlearnable.workflows.publish import compose, write_caption_files, write_photos
from unlearnable.workflows.run import Run, load_surrogates, make_ready, run_key
from unlearnable.workflows.summary import Outcome, summarise


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
    if resume and overwrite:
        raise ConfigError("--resume and --overwrite exclude each other", hint="give one of them")
    started, progress = time.monotonic(), progress or Silent()
    where = places(settings.photos, settings.output)
    dataset = open_dataset(settings.photos, settings.captions)
    method = METHODS[settings.method]()
    key = run_key(settings, dataset)
    if resume and where.report.is_file():
        return _finished_report(where, key)
    check(where, resume=resume, overwrite=overwrite)
    surrogates = load_surrogates(settings)
    with tempfile.TemporaryDirectory(prefix="unlearnable-") as scratch:
        run = make_ready(settings, where, dataset, method, surrogates, Path(scratch), progress)
        claim(where, config.to_toml(settings), resume=resume)
        making = Making(run.problem, run.method, settings, where.checkpoint, run.key)
        state, course = optimise(making, progress, lambda losses: bool(_stop(settings, losses)))
        return _publish(run, state, course.losses, started, progress)


def _stop(settings: ProtectSettings, losses: list[float]) -> str:
    """Why to stop now, or nothing. The moving average is over two rounds."""
    if len(losses) >= 2 and sum(losses[-2:]) / 2 < settings.threshold:
        return "threshold"
    return "rounds" if len(losses) >= settings.max_rounds else ""


def _publish(run: Run, state: State, rounds: list[float], started: float, progress: Progress) -> ProtectReport:
    """Write photos, captions, manifest and report, the report last of all."""
    vocabulary = run.problem.vocabulary
    triggers = [vocabulary.trigger(row) if row else None for row in state.triggers.tolist()]
    write = as_sentence if run.settings.trigger_vocabulary == "natural" else Slot.text
    plan = compose(run.prepared, run.pairs, run.slots, triggers, write)
    lines, pictures = write_photos(plan, state, run.settings, run.where, progress)
    caption_file = write_caption_files(plan, run.dataset, run.where)
    roundtrip, texts = reread_captions(plan, run.where, caption_file)
    stopped = _stop(run.settings, rounds) or "rounds"
    losses = measure_losses(run.problem, state, plan, texts, run.where.output, run.scratch, progress)
    seconds = time.monotonic() - started
    report = summarise(run, state, Outcome(lines, losses, rounds, stopped, roundtrip, seconds))
    try:
        memory.remember(
            run.where.photos,
            run.dataset.source,
            run.where.output,
            [line.sha256_out for line in lines if line.sha256_out],
        )
    except OutputError as error:  # no reason to lose a finished run
        progress.note(f"this run will not be remembered: {error.message}")
    files.write_text(run.where.page, protect_page(report, lines, run.settings, pictures))
    files.write_text(run.where.report, report.model_dump_json(indent=2) + "\n")
    shutil.rmtree(run.where.checkpoint.parent)
    return report


def _finished_report(where: Places, key: str) -> ProtectReport:
    """The report of a run that is complete already."""
    report = ProtectReport.model_validate_json(where.report.read_text(encoding="utf-8"))
    if report.run != key:
        raise CheckpointError(
            f"{where.private} holds a finished run of other settings or photos", hint="use --overwrite"
        )
    return report
