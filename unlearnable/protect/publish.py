"""Stage photos and captions, verify them, put them in place, and write the records of the run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from unlearnable.datasets import is_photo
from unlearnable.disk import entries, files
from unlearnable.errors import OutputError
from unlearnable.methods.state import State
from unlearnable.progress.reporting import Progress
from unlearnable.protect import last_run, published
from unlearnable.protect.caption_names import names_left_notes, names_notes, names_to_write, with_plain_names
from unlearnable.protect.claim import clear
from unlearnable.protect.posts import said_of_change
from unlearnable.protect.readback import measure_losses, refuse_unprotected, reread_captions, said_of_lost
from unlearnable.protect.records import manifest_text
from unlearnable.protect.setup import Run
from unlearnable.protect.summary import summarise
from unlearnable.protect.write import (
    Publication,
    composed,
    finished_lines,
    refuse_without_noise,
    word_list,
    write_caption_files,
    write_photos,
)
from unlearnable.report.html import protect_page
from unlearnable.report.pictures import Thumbnails
from unlearnable.results import ManifestLine, ProtectReport
from unlearnable.wording.counts import named

_NAMED = 5  # files in a message; the others are counted


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
    """Write photos and captions into the staging folder and verify them.

    Args:
        run: the run, whose folders are there.
        state: noise and triggers.
        rounds: mean loss after each round.
        started: time when the run began, by the monotonic clock.
        progress: receives progress updates.
        notes: remarks for the report, before those that the run gives.
    """
    layout = run.layout
    refuse_without_noise(run.prepared, state.noise)
    plain = composed(with_plain_names(run), state).texts
    _remove_rest(run)
    planned = composed(run, state)
    for line in word_list(planned, layout):
        progress.note(line)
    written = write_photos(planned, state, run, progress)
    publication, lines = written.publication, written.lines
    run = replace(run, prepared=publication.prepared)
    caption_file = write_caption_files(publication, run.dataset, layout, run.settings.keep_fields)
    changed = said_of_change(run.dataset)
    roundtrip, texts, lost = reread_captions(publication, layout, caption_file, run.dataset)
    losses = measure_losses(run, state, written, texts | plain, progress)
    if run.method.lowers_loss:
        refuse_unprotected(losses, run.settings, staged=True)
    seconds = time.monotonic() - started
    report = summarise(run, state, lines, losses, rounds, roundtrip, seconds)
    names = names_to_write(run.dataset, run.settings) if run.settings.names == "initials" else ()
    left = names_left_notes(layout.staged, names)
    for note in (*names_notes(run), *left):
        progress.note(note)
    report = report.model_copy(update={"notes": [*notes, *said_of_lost(lost), *changed, *report.notes, *left]})
    return Staged(report, lines, written.thumbnails, publication)


def _remove_rest(run: Run) -> None:
    """Remove what a stopped run staged beside the photos of this one: captions, and copies of photos that are gone.

    Raises:
        OutputError: there are photos that no run staged, which would be published without noise.
    """
    layout, own = run.layout, {one.name for one in run.prepared.ready}
    staged = {path.relative_to(layout.staged).as_posix(): path for path in entries.files_below(layout.staged)}
    rest = {name: path for name, path in staged.items() if name not in own}
    photos = {name for name, path in rest.items() if is_photo(name) and not files.is_temporary(path)}
    photos -= published.read_sums(layout).keys()
    if foreign := sorted(photos - {line.output for line in finished_lines(layout)} if photos else ()):
        raise OutputError(
            f"{layout.staged} holds {named(foreign, _NAMED)}, which this program did not write",
            hint="move such photos elsewhere, and use the same command again",
        )
    for path in rest.values():
        path.unlink()


def finish(run: Run, staged: Staged, progress: Progress) -> ProtectReport:
    """Put what was staged in place, then write its records, the report last."""
    layout = run.layout
    page = protect_page(staged.report, staged.lines, run.settings, staged.pictures)
    published.put_in_place(layout)
    _remember(run, progress)
    files.write_text(layout.manifest, manifest_text(staged.lines))
    files.write_bytes(layout.settings, layout.staged_settings.read_bytes())
    files.write_text(layout.page, page)
    text = staged.report.model_dump_json(indent=2) + "\n"
    files.write_text(layout.report, text)
    clear(layout)
    return published.with_strangers(staged.report, layout)


def _remember(run: Run, progress: Progress) -> None:
    captions = run.dataset.source or run.settings.captions  # a folder, where those beside or in photos were chosen
    try:
        last_run.remember(run.layout.photos, captions, run.layout.output)
    except OutputError as error:  # no reason to lose a finished run
        progress.note(f"this run is not recorded as the last one: {error.message}")
