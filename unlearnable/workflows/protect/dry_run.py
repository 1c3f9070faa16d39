"""`protect --dry-run`: report what a run would do and how long it would take."""

from __future__ import annotations

import dataclasses
import time

from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset
from unlearnable.disk import limits
from unlearnable.disk.scratch import scratch_folder
from unlearnable.errors import CheckpointError, OutputError
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.protection.ticks import rounds_of
from unlearnable.protection.timing import tried_seconds
from unlearnable.protection.vocabulary import compared
from unlearnable.results import ProtectPlan, SkippedRecord
from unlearnable.workflows.output.layout import Layout
from unlearnable.workflows.protect.adding.additions import additions, said_of_published
from unlearnable.workflows.protect.adding.earlier import Earlier, earlier_result
from unlearnable.workflows.protect.adding.withdrawn import said_of_gone
from unlearnable.workflows.protect.claiming.folders import refuse_both
from unlearnable.workflows.protect.claiming.resuming import finished_report, goes_on, without_new
from unlearnable.workflows.protect.opening.chosen import places_of
from unlearnable.workflows.protect.opening.key import all_models, run_key
from unlearnable.workflows.protect.opening.posts import open_posts
from unlearnable.workflows.protect.preparing.caption_names import refuse_unmentioned
from unlearnable.workflows.protect.preparing.loading import load_all
from unlearnable.workflows.protect.preparing.setup import Run, make_ready
from unlearnable.workflows.protect.preparing.space import copies_bytes, needed_bytes


def plan(
    settings: ProtectSettings,
    *,
    add: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ProtectPlan:
    """Return what `protect` would do, with its time estimated from one batch; nothing is written.

    Args:
        settings: settings of the run.
        add: whether only the photos that an earlier result lacks would be protected.
        resume: whether a stopped run would be continued.
        overwrite: whether an earlier result would be replaced.
        progress: receives progress updates.

    Raises:
        UnlearnableError: any error of `protect`, except those about results that exist already, which the plan holds.
    """
    refuse_both(resume=resume, overwrite=overwrite)
    progress = progress or Silent()
    source, layout = places_of(settings)
    with scratch_folder() as scratch:
        dataset, earlier = open_posts(source, settings, progress, scratch), earlier_result(layout) if add else None
        if earlier:
            dataset = _additions(settings, dataset, earlier, progress)
            if not dataset.photos:
                return _nothing(settings, layout, dataset)
        if resume:
            dataset = without_new(settings, dataset, layout, progress)
        refused = "" if add else _refusal(settings, layout, dataset, resume=resume, overwrite=overwrite)
        run = make_ready(load_all(settings, progress), layout, dataset, scratch, progress).aside
        refuse_unmentioned(run, earlier.settings.initials if earlier else ())
        began = time.monotonic()
        run = dataclasses.replace(run, problem=compared(run.problem, run.method, run.method_settings, progress))
        comparing = time.monotonic() - began
        progress.phase("timing a round", 0)
        seconds = sum(run.photo_seconds.values()) + comparing + _optimising_seconds(run)
        return ProtectPlan(
            output=str(layout.output),
            caption_format=dataset.format,
            photos=len(run.prepared.photos),
            not_photos=dict(dataset.others),
            captions_found=dataset.captioned,
            captions=sum(map(len, run.pairs)),
            skipped=[SkippedRecord.of(skip) for skip in run.prepared.skipped],
            surrogates=[model.name for model in run.problem.models],
            rounds_at_most=rounds_of(settings.method, settings),
            seconds_estimated=round(seconds, 1),
            bytes_estimated=copies_bytes(run.prepared),
            bytes_needed=needed_bytes(run),
            bytes_free=limits.free_space(layout.output),
            refused=refused,
        )


def _refusal(settings: ProtectSettings, layout: Layout, dataset: Dataset, *, resume: bool, overwrite: bool) -> str:
    """Return why `protect` would not write to its folders, with the remedy; empty if it would."""
    key = run_key(settings, dataset)
    try:
        if resume:
            finished_report(settings, dataset, layout, key, Silent())
        goes_on(settings, dataset, layout, key, Silent(), resume=resume, overwrite=overwrite)
    except (CheckpointError, OutputError) as error:
        return error.line
    return ""


def _additions(settings: ProtectSettings, dataset: Dataset, earlier: Earlier, progress: Progress) -> Dataset:
    """Return the posts to be added, and say which would be withdrawn and which captions would stay as they were."""
    if said := said_of_gone(earlier):
        progress.note(f"{said}: to be withdrawn")
    for note in said_of_published(dataset, earlier, settings.initials):
        progress.note(note)
    return additions(dataset, earlier)


def _nothing(settings: ProtectSettings, layout: Layout, dataset: Dataset) -> ProtectPlan:
    """Return the plan of an `--add` that finds nothing to add."""
    return ProtectPlan(
        output=str(layout.output),
        caption_format=dataset.format,
        photos=0,
        captions=0,
        not_photos=dict(dataset.others),
        skipped=[SkippedRecord.of(skip) for skip in dataset.skipped],
        surrogates=all_models(settings),
        rounds_at_most=0,
        seconds_estimated=0.0,
        bytes_estimated=0,
        bytes_free=limits.free_space(layout.output),
    )


def _optimising_seconds(run: Run) -> float:
    """Try the method on at most a batch of the posts, and return the seconds that it would take for all."""
    count = min(len(run.problem.posts), run.settings.batch_size)
    small = dataclasses.replace(
        run.problem,
        posts=run.problem.posts.first(count),
        grids=run.problem.grids[:count],
        captions=run.problem.captions[:count],
        leaders=run.problem.leaders[:count],
        equal=(),
    )
    return tried_seconds(run.method, small, run.method_settings, len(run.problem.posts))
