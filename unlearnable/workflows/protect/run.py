"""`protect`: read posts, make noise and triggers, write files, verify what was written."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace

from unlearnable import disk
from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset
from unlearnable.errors import CheckpointError
from unlearnable.models.fetching import fetch
from unlearnable.progress import Progress, Silent
from unlearnable.protection.optimise import OptimisationTask, optimise
from unlearnable.results import ProtectReport
from unlearnable.training.distributed import ALONE, World, lead
from unlearnable.workflows.output.layout import Layout
from unlearnable.workflows.output.records import read_report, refuse_incomplete
from unlearnable.workflows.protect import published
from unlearnable.workflows.protect.changes import changed_since_finished, changed_since_stopped, said_of_changed
from unlearnable.workflows.protect.chosen import places_of
from unlearnable.workflows.protect.expected import foreseen_and_ready, result_bytes
from unlearnable.workflows.protect.folders import (
    create_folders,
    refuse_both,
    refuse_existing_output,
    refuse_lost_report,
)
from unlearnable.workflows.protect.lock import held, scratch_of
from unlearnable.workflows.protect.posts import open_posts
from unlearnable.workflows.protect.publish import clear, publish
from unlearnable.workflows.protect.setup import all_models, load_surrogates, run_key
from unlearnable.workflows.protect.stored import stored


def protect(
    settings: ProtectSettings,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    world: World = ALONE,
) -> ProtectReport:
    """Protect the photos and captions that the settings name.

    Args:
        settings: see `unlearnable.config.ProtectSettings`.
        resume: continue a stopped run; the result is byte for byte the same.
        overwrite: replace an earlier result.
        progress: receives progress updates.
        world: processes that compute together, of which this is the first.

    Raises:
        InputError: no photo can be protected.
        ModelError: a surrogate is not available, or the result would not protect.
        OutputError: results exist already or cannot be written, or another run is writing them.
        CheckpointError: the run to resume had other settings or other photos.
    """
    refuse_both(resume=resume, overwrite=overwrite)
    started, progress = time.monotonic(), progress or Silent()
    source, layout = places_of(settings)
    with held(layout), scratch_of(layout) as scratch:
        dataset = open_posts(source, settings, progress, scratch)
        fetch(all_models(settings), progress)
        key = run_key(settings, dataset)
        finished = finished_report(settings, dataset, layout, key, progress) if resume else None
        if finished and _is_intact(layout, progress):
            lead(world, "")
            return published.with_strangers(finished, layout)
        anew = resume and _begins_anew(settings, dataset, layout, progress)
        goes_on = resume and not anew
        refuse_existing_output(layout, key, resume=goes_on, overwrite=overwrite or anew)
        if overwrite:
            published.refuse_foreign(layout)
        surrogates = load_surrogates(settings, progress)
        run = foreseen_and_ready(settings, layout, dataset, surrogates, scratch, progress)
        if not goes_on:
            disk.check_space(layout.private, result_bytes(run))
            shutil.rmtree(layout.earlier, ignore_errors=True)
        create_folders(layout, key, stored(settings), dataset.posts, resume=goes_on)
        lead(world, run.work)
        problem = replace(run.problem, world=world)
        task = OptimisationTask(problem, run.method, run.method_settings, layout.checkpoint, run.key)
        session, trace = optimise(task, progress)
        run = replace(run, problem=replace(session.problem, world=ALONE))
        return published.with_strangers(publish(run, session.state, trace.losses, started, progress), layout)


def _begins_anew(settings: ProtectSettings, dataset: Dataset, layout: Layout, progress: Progress) -> bool:
    """Return whether photos have changed since the run to resume began: it begins again with the others."""
    changed = changed_since_stopped(layout, settings, dataset)
    if changed:
        progress.note(
            f"{said_of_changed(changed)} since the run was stopped: it begins anew with the photos as they are"
        )
    return bool(changed)


def finished_report(
    settings: ProtectSettings, dataset: Dataset, layout: Layout, key: str, progress: Progress
) -> ProtectReport | None:
    """Return the report of the complete run that would be resumed, or None if there is none.

    Photos that have changed since are no reason to touch a complete result.

    Raises:
        CheckpointError: the complete run had other settings or photos, or one of its records is damaged or lost.
    """
    if not layout.report.is_file():
        refuse_lost_report(layout)
        return None
    report = read_report(layout)
    if layout.key_under_way() not in (None, report.run):
        return None  # the unfinished run is to replace the complete one
    refuse_incomplete(layout, report)
    if report.run != key:
        if not (changed := changed_since_finished(layout, settings, dataset)):
            raise CheckpointError(
                f"{layout.private} holds a finished run of other settings or photos",
                hint="use --add if photos are to be added, or --overwrite to start over",
            )
        progress.note(f"{said_of_changed(changed)} since this run began: --overwrite protects the photos as they are")
    return report


def _is_intact(layout: Layout, progress: Progress) -> bool:
    """Return whether a complete run needs no work, after checking each published file.

    Files that have changed are set aside. The report stays until all is made again: a kill leaves it to be resumed.
    """
    sums, broken = published.read_sums(layout), published.damaged(layout)
    if not broken:
        clear(layout)
        return True
    kept = published.set_aside(layout, broken)
    progress.note(
        f"{len(broken)} of {len(sums)} published files are missing or have changed and are made again"
        + (f"; those that have changed lie in {layout.changed} now" if kept else "")
    )
    return False
