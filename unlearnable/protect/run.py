"""`protect`: read posts, make noise and triggers, write files, publish them; in one process or several."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

from unlearnable.errors import UnlearnableError
from unlearnable.methods.optimise import optimise
from unlearnable.models.device import choose_device
from unlearnable.protect.layout import clear
from unlearnable.protect.posts import open_posts, places_of
from unlearnable.protect.publish import publish, stage
from unlearnable.protect.read import Run, load_all, read, refuse_unmentioned
from unlearnable.protect.records import run_key, settings_text
from unlearnable.protect.resume import can_resume, create_folders, finished_report, held, refuse_both
from unlearnable.protect.review import Reviewer, review_posts
from unlearnable.report import ProtectReport
from unlearnable.settings import ProtectSettings
from unlearnable.storage import files
from unlearnable.storage.folders import scratch_folder
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.distributed import ALONE, World, follow, join, lead


def protect(
    settings: ProtectSettings,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    review: Reviewer | None = None,
    world: World = ALONE,
) -> ProtectReport:
    """Protect the photos and captions that the settings name.

    Args:
        settings: see `unlearnable.settings.ProtectSettings`.
        resume: continue a stopped run; the result is byte for byte the same.
        overwrite: replace an earlier result.
        progress: receives progress updates.
        review: looks at the posts and may change their triggers before anything of them is written; such a run is
            not resumed.
        world: processes that compute together; this is the first.

    Raises:
        InputError: no photo can be protected.
        ModelError: a surrogate is not available, or the result would not protect.
        OutputError: results exist already or cannot be written, or another run is writing them.
        CheckpointError: the run to resume had other settings or other photos.
    """
    refuse_both(resume=resume, overwrite=overwrite)
    started, progress = time.monotonic(), progress or Silent()
    source, layout = places_of(settings)
    with held(layout) as scratch:
        dataset = open_posts(source, settings, progress)
        key = run_key(settings, dataset)
        if resume and (finished := finished_report(layout, key)):
            lead(world, "")
            clear(layout)
            return finished
        resumed = can_resume(layout, key, resume=resume, overwrite=overwrite)
        if resume and not resumed:
            progress.note(f"nothing to resume in {layout.private}: this is a new run; check the `output`")
        run = read(load_all(settings, progress), layout, dataset, scratch, progress)
        refuse_unmentioned(run)
        if not resumed:
            files.check_space(layout.private, run.bytes_needed)
            shutil.rmtree(layout.earlier, ignore_errors=True)
        if review is not None:
            return _publish_reviewed(run.aside, review, started, progress)
        create_folders(layout, key, settings_text(settings), resume=resumed)
        lead(world, run.work)
        session, trace = optimise(run.within(world).task, progress)
        run = replace(run, problem=session.problem).within(ALONE)
        staged = stage(run, session.state, trace.losses, started, progress)
        return publish(run, staged, progress)


def _publish_reviewed(run: Run, review: Reviewer, started: float, progress: Progress) -> ProtectReport:
    """Make noise and triggers, have them reviewed, and then write the posts."""
    task = replace(run.task, checkpoint=None, key="")
    session, trace = optimise(task, progress)
    run = replace(run, problem=session.problem)
    notes, waited = review_posts(run, task, session, trace, review, progress)
    create_folders(run.layout, run.key, settings_text(run.settings), resume=False)
    try:
        staged = stage(run, session.state, trace.losses, started + waited, progress, notes)
        return publish(run, staged, progress)
    finally:  # one that was stopped here cannot be resumed: its noise is not in the folder
        clear(run.layout)


def protect_together(
    settings: ProtectSettings, *, resume: bool = False, overwrite: bool = False, progress: Progress | None = None
) -> ProtectReport | None:
    """Protect the posts that the settings name in all processes that were started together; arguments as of `protect`.

    Returns:
        The report; None in every process but the first, which alone writes.
    """
    world = join(choose_device(settings.device))
    if world.rank:
        with scratch_folder() as scratch:
            _take_part(settings, world, scratch)
        return None
    return protect(settings, resume=resume, overwrite=overwrite, progress=progress, world=world)


def _take_part(settings: ProtectSettings, world: World, scratch: Path) -> None:
    """Take part in the run of the first process, and write nothing but working copies to `scratch`."""
    try:
        source, layout = places_of(settings)
        dataset = open_posts(source, settings, Silent())
        run = read(load_all(settings, Silent()), layout, dataset, scratch, Silent()).aside
    except UnlearnableError as error:  # the first process most likely stops with the same error, and shows it
        follow(world, "", error.message)
        return
    if follow(world, run.work):
        optimise(run.within(world).task, Silent())
