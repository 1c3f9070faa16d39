"""`protect`: read posts, make noise and triggers, write files, verify what was written."""

from __future__ import annotations

import datetime
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable import disk, files
from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset
from unlearnable.errors import CheckpointError, ConfigError, OutputError
from unlearnable.methods.state import State
from unlearnable.models.fetching import fetch
from unlearnable.models.sentence import as_sentence
from unlearnable.models.tokens import CaptionSlot
from unlearnable.posts.reading import columns_of
from unlearnable.progress import Progress, Silent
from unlearnable.protection.optimise import OptimisationTask, optimise
from unlearnable.report.html import protect_page
from unlearnable.report.pictures import Thumbnails
from unlearnable.results import ManifestLine, ProtectReport
from unlearnable.training.distributed import ALONE, World, lead
from unlearnable.workflows import history
from unlearnable.workflows.layout import Layout, create_folders, layout_of, refuse_existing_output
from unlearnable.workflows.protect import published
from unlearnable.workflows.protect.borrowed import with_names
from unlearnable.workflows.protect.caption_files import write_caption_files
from unlearnable.workflows.protect.changes import changed_since_finished, changed_since_stopped, said_of_changed
from unlearnable.workflows.protect.chosen import source_of
from unlearnable.workflows.protect.expected import foreseen_and_ready, result_bytes
from unlearnable.workflows.protect.lock import held, scratch_of
from unlearnable.workflows.protect.opt_out_site import write_site_files
from unlearnable.workflows.protect.packed import leave_packed
from unlearnable.workflows.protect.posts import open_posts
from unlearnable.workflows.protect.publication import Publication, compose
from unlearnable.workflows.protect.publish import manifest_text, refuse_without_noise, write_photos
from unlearnable.workflows.protect.readback import measure_losses, refuse_unprotected, reread_captions
from unlearnable.workflows.protect.setup import Run, all_models, load_surrogates, run_key
from unlearnable.workflows.protect.stored import stored
from unlearnable.workflows.protect.summary import RunResults, summarise
from unlearnable.workflows.records import read_record, seal_records


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
    if resume and overwrite:
        raise ConfigError("--resume and --overwrite exclude each other", hint="use only one of them")
    started, progress = time.monotonic(), progress or Silent()
    source = source_of(settings.photos, settings.only, settings.skip)
    layout = layout_of(source.place, settings.output)
    with held(layout), scratch_of(layout) as scratch:
        dataset = open_posts(source, settings.captions, columns_of(settings), progress, scratch)
        fetch(all_models(settings), progress)
        key = run_key(settings, dataset)
        if resume and (finished := _finished_report(settings, dataset, layout, key, progress)):
            lead(world, "")
            return finished
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
        return publish(run, session.state, trace.losses, started, progress)


def composed(run: Run, state: State) -> Publication:
    """Return what a run will write: names, triggers, and captions that hold them."""
    vocabulary = run.problem.vocabulary
    triggers = [vocabulary.trigger(row) if row else None for row in state.triggers.tolist()]
    write = as_sentence if run.settings.trigger_vocabulary == "natural" else CaptionSlot.text
    return compose(run.prepared, with_names(run), triggers, write)


def publish(
    run: Run, state: State, rounds: list[float], started: float, progress: Progress, notes: Sequence[str] = ()
) -> ProtectReport:
    """Stage photos and captions, verify them, and put them in place; the report is written last.

    Args:
        run: the run, whose folders are there.
        state: noise and triggers.
        rounds: mean loss after each round.
        started: time when the run began, by the monotonic clock.
        progress: receives progress updates.
        notes: remarks for the report, before those that the run gives.
    """
    return finish(run, stage(run, state, rounds, started, progress, notes), progress)


@dataclass(frozen=True)
class Staged:
    """A result in the staging folder, read back and measured.

    Attributes:
        report: the report to write.
        lines: the manifest to write.
        pictures: thumbnails for the page, by the path of the copy.
        publication: what was written.
    """

    report: ProtectReport
    lines: list[ManifestLine]
    pictures: Mapping[str, Thumbnails]
    publication: Publication


def stage(
    run: Run, state: State, rounds: list[float], started: float, progress: Progress, notes: Sequence[str] = ()
) -> Staged:
    """Write photos and captions into the staging folder and verify them; arguments are those of `publish`."""
    layout = run.layout
    refuse_without_noise(run.prepared, state.noise)
    written = write_photos(composed(run, state), state, run, progress)
    publication, lines = written.publication, written.lines
    run = replace(run, prepared=publication.prepared)
    caption_file = write_caption_files(publication, run.dataset, layout, run.settings.keep_fields)
    roundtrip, texts = reread_captions(publication, layout, caption_file, run.dataset)
    losses = measure_losses(run, state, written, texts, progress)
    if run.method.lowers_loss:
        refuse_unprotected(losses, run.settings)
    leave_packed(run.dataset, lines, layout, run.scratch)
    seconds = time.monotonic() - started
    report = summarise(run, state, RunResults(lines, losses, rounds, roundtrip, seconds))
    report = report.model_copy(update={"notes": [*notes, *report.notes]})
    return Staged(report, lines, written.thumbnails, publication)


def finish(run: Run, staged: Staged, progress: Progress) -> ProtectReport:
    """Put what was staged in place, then write its records, the report last."""
    layout = run.layout
    page = protect_page(staged.report, staged.lines, run.settings, staged.pictures)
    published.put_in_place(layout)
    _remember(run, staged.lines, progress)
    files.write_text(layout.manifest, manifest_text(staged.lines))
    files.write_bytes(layout.settings, layout.staged_settings.read_bytes())
    files.write_text(layout.page, page)
    if run.settings.opt_out:
        write_site_files(layout.opt_out)
    text = staged.report.model_dump_json(indent=2) + "\n"
    seal_records(layout, text)
    files.write_text(layout.report, text)
    clear(layout)
    return staged.report


def _remember(run: Run, lines: list[ManifestLine], progress: Progress) -> None:
    layout = run.layout
    hashes = [line.sha256_out for line in lines if line.sha256_out]
    today = datetime.date.today().isoformat()
    copies = [
        history.MadeCopy(
            line.sha256_out,
            line.perceptual_hash,
            layout.output / line.output,
            layout.photos / line.source,
            line.sha256_in,
            today,
        )
        for line in lines
        if line.output and line.sha256_out and line.sha256_in and line.perceptual_hash
    ]
    try:
        history.remember(layout.photos, run.dataset.source, layout.output, hashes, copies)
    except OutputError as error:  # no reason to lose a finished run
        progress.note(f"this run is not recorded in the history: {error.message}")


def clear(layout: Layout) -> None:
    """Remove what a complete run no longer needs."""
    shutil.rmtree(layout.progress, ignore_errors=True)
    shutil.rmtree(layout.earlier, ignore_errors=True)
    for path in filter(files.is_temporary, layout.private.iterdir()):
        path.unlink(missing_ok=True)


def _begins_anew(settings: ProtectSettings, dataset: Dataset, layout: Layout, progress: Progress) -> bool:
    """Return whether photos have changed since the run to resume began: it begins again with the others."""
    changed = changed_since_stopped(layout, settings, dataset)
    if changed:
        progress.note(
            f"{said_of_changed(changed)} since the run was stopped: it begins anew with the photos as they are"
        )
    return bool(changed)


def _finished_report(
    settings: ProtectSettings, dataset: Dataset, layout: Layout, key: str, progress: Progress
) -> ProtectReport | None:
    """Return the report of a complete run after checking each published file, or None if the run must be repeated.

    If files are missing or have changed, the report is removed, and those that have changed are set aside. Photos that
    have changed since are no reason to touch a complete result.

    Raises:
        CheckpointError: the complete run had other settings or photos, or its report or list of files is damaged.
    """
    if not layout.report.is_file():
        return None
    report = ProtectReport.model_validate_json(read_record(layout.report))
    if layout.key_under_way() not in (None, report.run):
        return None  # the unfinished run is to replace the complete one
    if report.run != key:
        if not (changed := changed_since_finished(layout, settings, dataset)):
            raise CheckpointError(
                f"{layout.private} holds a finished run of other settings or photos",
                hint="use --add if photos are to be added, or --overwrite to start over",
            )
        progress.note(f"{said_of_changed(changed)} since this run began: --overwrite protects the photos as they are")
    for record in filter(Path.is_file, (layout.manifest, layout.sums)):
        read_record(record)
    sums, broken = published.read_sums(layout), published.damaged(layout)
    if sums and not broken:
        clear(layout)
        return report
    kept = published.set_aside(layout, broken)
    progress.note(
        f"{len(broken)} of {len(sums)} published files are missing or have changed and are made again"
        + (f"; those that have changed lie in {layout.changed} now" if kept else "")
    )
    with files.reporting_write_errors(layout.report):
        layout.report.unlink()
    return None
