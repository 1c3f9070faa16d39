"""`protect --add`: protect the posts that an earlier result lacks, with its settings, and join the two."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import replace

from unlearnable.config import ProtectSettings, to_toml
from unlearnable.disk import limits
from unlearnable.errors import CheckpointError
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.protection.optimise import optimise
from unlearnable.results import ProtectReport
from unlearnable.wording.counts import counted
from unlearnable.workflows.output import published
from unlearnable.workflows.output.layout import Layout
from unlearnable.workflows.protect.adding.additions import (
    additions,
    named_as_before,
    notes_on_published,
    with_names_of_now,
)
from unlearnable.workflows.protect.adding.earlier import Earlier, earlier_result, keep_records
from unlearnable.workflows.protect.adding.joined import (
    join_files,
    joined_lines,
    joined_pictures,
    joined_report,
    unchanged_report,
)
from unlearnable.workflows.protect.claiming.folders import clear, create_folders
from unlearnable.workflows.protect.claiming.lock import held, scratch_of
from unlearnable.workflows.protect.opening.chosen import places_of
from unlearnable.workflows.protect.opening.key import run_key
from unlearnable.workflows.protect.opening.posts import open_posts
from unlearnable.workflows.protect.preparing.caption_names import refuse_unmentioned
from unlearnable.workflows.protect.preparing.loading import load_all
from unlearnable.workflows.protect.preparing.setup import Run, make_ready
from unlearnable.workflows.protect.preparing.space import result_bytes
from unlearnable.workflows.protect.publishing.publish import Staged, finish, stage


def add(settings: ProtectSettings, *, progress: Progress | None = None) -> ProtectReport:
    """Protect the posts that an earlier result lacks, and put both in its place; the same call continues a stopped one.

    Args:
        settings: those of the earlier run, see `adding.settings.continued`.
        progress: receives progress updates.

    Raises:
        InputError: no new photo can be protected.
        ModelError: a surrogate is not available, or the new posts would hardly be protected.
        OutputError: there is no earlier result, it cannot be written to, or another run is writing to it.
        CheckpointError: the earlier result is damaged, or a run that is no `--add` was stopped there.
    """
    started, progress = time.monotonic(), progress or Silent()
    source, layout = places_of(settings)
    with held(layout), scratch_of(layout) as scratch:
        earlier = earlier_result(layout)
        layout = replace(layout, photos=earlier.root)  # wherever the new posts are
        found = open_posts(source, settings, progress)
        found = named_as_before(found, earlier)
        earlier = with_names_of_now(earlier, found)
        for note in notes_on_published(found, earlier, settings):
            progress.note(note)
        dataset = additions(found, earlier)
        if not dataset.photos:
            _refuse_half_added(layout, earlier)
            clear(layout)
            report = published.with_strangers(unchanged_report(earlier, dataset), layout)
            for note in report.notes[: len(report.notes) - len(earlier.report.notes)]:
                progress.note(note)
            return report
        progress.note(f"{len(dataset.photos)} of {counted(len(found.photos), 'photo')} to be added")
        key = hashlib.sha256(f"{earlier.report.run} {run_key(settings, dataset)}".encode()).hexdigest()
        loaded, taken = load_all(settings, progress), _taken(layout, earlier)
        run = make_ready(loaded, layout, dataset, scratch, progress, taken)
        refuse_unmentioned(run, earlier.settings.name)
        run = replace(run, key=key)
        goes_on = layout.key_under_way() == key
        if not goes_on:
            limits.check_space(layout.private, result_bytes(run))
        earlier = keep_records(layout, earlier, scratch)
        settings_text = to_toml(earlier.settings.model_copy(update={"name": settings.name}))
        create_folders(layout, key, settings_text, dataset.posts, resume=goes_on)
        session, trace = optimise(run.task, progress)
        run = replace(run, problem=session.problem)
        new = stage(run, session.state, trace.losses, started, progress)
        return finish(run, _joined(run, new, earlier), progress)


def _joined(run: Run, new: Staged, earlier: Earlier) -> Staged:
    """Join what is staged with the earlier result."""
    copies = new.publication.names.values()
    notes = join_files(earlier, run.layout, run.dataset, copies, run.scratch / "new")
    lines = joined_lines(earlier, run.dataset, new.lines)
    pictures = joined_pictures(earlier, run.layout.output, new.lines, new.pictures)
    report = joined_report(earlier, new.report, new.lines, lines)
    report = report.model_copy(update={"notes": [report.notes[0], *notes, *report.notes[1:]]})
    return Staged(report, lines, pictures, new.publication)


def _taken(layout: Layout, earlier: Earlier) -> Iterable[str]:
    """Return the names that no new copy may have: of earlier files, and of those that somebody put beside them."""
    passing = published.read_sums(layout)
    there = (path.relative_to(layout.output).as_posix() for path in layout.output.rglob("*"))
    return {*earlier.sums, *(name for name in there if name not in passing)}


def _refuse_half_added(layout: Layout, earlier: Earlier) -> None:
    """Stop where an `--add` was stopped while it published photos that are gone now: its files are neither old nor new.

    Raises:
        CheckpointError: it was; the records of the earlier result stay aside.
    """
    if earlier.is_aside:
        raise CheckpointError(
            f"an --add was stopped while it put photos into {layout.output}, and they are gone",
            hint="put them back and use --add again, or protect all anew with --overwrite",
        )
