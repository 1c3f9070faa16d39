"""`protect`: read posts, make noise and triggers, write files, verify what was written."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace

from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset
from unlearnable.disk import limits
from unlearnable.models.fetching import fetch
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.protection.optimise import optimise
from unlearnable.results import ProtectReport
from unlearnable.training.distributed import ALONE, World, lead
from unlearnable.workflows.output import published
from unlearnable.workflows.output.layout import Layout
from unlearnable.workflows.protect.claiming.changes import changed_since_stopped, said_of_changed, said_of_going
from unlearnable.workflows.protect.claiming.finished import finished_report, is_intact, without_new
from unlearnable.workflows.protect.claiming.folders import create_folders, refuse_both, refuse_existing_output
from unlearnable.workflows.protect.claiming.lock import held, scratch_of
from unlearnable.workflows.protect.opening.chosen import places_of
from unlearnable.workflows.protect.opening.posts import open_posts
from unlearnable.workflows.protect.opening.stored import stored
from unlearnable.workflows.protect.preparing.caption_names import refuse_unmentioned
from unlearnable.workflows.protect.preparing.expected import foreseen_and_ready
from unlearnable.workflows.protect.preparing.setup import all_models, load_surrogates, run_key
from unlearnable.workflows.protect.preparing.space import result_bytes
from unlearnable.workflows.protect.publishing.publish import publish


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
        if resume:
            dataset = without_new(settings, dataset, layout, progress)
        fetch(all_models(settings), progress)
        key = run_key(settings, dataset)
        finished = finished_report(settings, dataset, layout, key, progress) if resume else None
        if finished and is_intact(layout, progress):
            lead(world, "")
            return published.with_strangers(finished, layout)
        anew = resume and _begins_anew(settings, dataset, layout, progress)
        goes_on = resume and not anew
        refuse_existing_output(layout, key, resume=goes_on, overwrite=overwrite or anew)
        if overwrite:
            published.refuse_foreign(layout)
        for line in (going := said_of_going(layout, dataset) if overwrite else []):
            progress.note(line)
        surrogates = load_surrogates(settings, progress)
        run = foreseen_and_ready(settings, layout, dataset, surrogates, scratch, progress)
        refuse_unmentioned(run)
        if not goes_on:
            limits.check_space(layout.private, result_bytes(run))
            shutil.rmtree(layout.earlier, ignore_errors=True)
        create_folders(layout, key, stored(settings), dataset.posts, resume=goes_on)
        lead(world, run.work)
        run = replace(run, problem=replace(run.problem, world=world))
        session, trace = optimise(run.task, progress)
        run = replace(run, problem=replace(session.problem, world=ALONE))
        return published.with_strangers(publish(run, session.state, trace.losses, started, progress, going), layout)


def _begins_anew(settings: ProtectSettings, dataset: Dataset, layout: Layout, progress: Progress) -> bool:
    """Return whether photos have changed since the run to resume began: it begins again with the others."""
    changed = changed_since_stopped(layout, settings, dataset)
    if changed:
        progress.note(
            f"{said_of_changed(changed)} since the run was stopped: it begins anew with the photos as they are"
        )
    return bool(changed)
