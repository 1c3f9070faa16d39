"""Stage photos and captions, verify them, put them in place, and write the records of the run."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable.errors import OutputError
from unlearnable.methods.base import State
from unlearnable.posts import is_photo
from unlearnable.protect import records
from unlearnable.protect.caption_names import names_left_notes, names_notes, names_to_write, with_plain_names
from unlearnable.protect.layout import Layout, Records, clear, folded
from unlearnable.protect.readback import measure_losses, refuse_unprotected, reread_captions, said_of_lost
from unlearnable.protect.records import manifest_text
from unlearnable.protect.setup import Run
from unlearnable.protect.summary import summarise
from unlearnable.protect.write import (
    Publication,
    composed,
    refuse_without_noise,
    word_list,
    write_caption_files,
    write_photos,
)
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.report.html import protect_page
from unlearnable.report.pictures import Thumbnails
from unlearnable.storage import checksums, files
from unlearnable.storage.progress import Progress
from unlearnable.wording import named

Sums = dict[str, set[str]]
_NAMED = 5  # files in a message; the others are counted
_REMEDY = "move them elsewhere, or choose another `output`"


def read_sums(records: Records) -> Sums:
    """Return the SHA-256 that each published file may have, by its path in the output folder; empty without a list."""
    if not records.sums.is_file():
        return {}
    return checksums.parse_sums(records.sums.read_text(encoding="utf-8", errors="surrogateescape"))


def damaged(layout: Layout) -> list[str]:
    """Return the published files that are missing or have changed since they were written."""
    return [name for name, digests in read_sums(layout).items() if sha256_of(layout.output / name) not in digests]


def refuse_foreign(layout: Layout) -> None:
    """Stop if the published folder holds anything that this program did not write, or that has changed since.

    Raises:
        OutputError: there are such files; the message lists them.
    """
    sums = read_sums(layout)
    foreign = [
        str(path)
        for path in files.files_below(layout.output)
        if not files.is_temporary(path)
        and sha256_of(path) not in sums.get(path.relative_to(layout.output).as_posix(), ())
    ]
    if foreign:
        _refuse(foreign, f"{layout.output} holds files that this program did not make, or that have changed since")


def with_strangers(report: ProtectReport, layout: Layout) -> ProtectReport:
    """Return a report that also names the photos in the published folder that no run wrote, as they have no noise."""
    sums = read_sums(layout)
    names = (path.relative_to(layout.output).as_posix() for path in files.files_below(layout.output))
    if not (found := [name for name in names if is_photo(name) and name not in sums]):
        return report
    said = f"{layout.output} holds {named(found, _NAMED)}, which this program did not write: no noise was added there"
    return report.model_copy(update={"notes": [said, *report.notes]})


def put_in_place(layout: Layout) -> None:
    """Replace the published result by the staged one; a call that is interrupted can be repeated.

    The old report is removed first, so that no partial result looks complete. Files on the old list that the new
    result lacks are removed if they are unchanged.

    Raises:
        OutputError: a file of other origin or a linked folder is in the way, or the system refuses to write.
    """
    new = {path.relative_to(layout.staged).as_posix(): sha256_of(path) for path in files.files_below(layout.staged)}
    old = read_sums(layout)
    refuse_linked(layout, {*old, *new})
    _refuse_taken(layout, new, old)
    with files.reporting_write_errors(layout.report):
        layout.report.unlink(missing_ok=True)
        files.sync_folder(layout.private)
    both = {name: old.get(name, set()) | ({new[name]} if name in new else set()) for name in {*old, *new}}
    checksums.write_sums(layout.sums, both)
    for name in both:  # a kill leaves half a file where the file system has no links
        files.temporary_name(layout.output / name).unlink(missing_ok=True)
    for name in old.keys() - new.keys():  # first: where case does not count, a new name may be the same file
        if sha256_of(layout.output / name) in both[name]:
            remove(layout.output / name, layout.output)
    for name, wanted in new.items():
        if sha256_of(layout.output / name) != wanted:
            _link(layout.staged / name, layout.output / name, layout.swapping)
    checksums.write_sums(layout.sums, {name: {wanted} for name, wanted in new.items()})


def _refuse_taken(layout: Layout, new: dict[str, str], old: Sums) -> None:
    own: Sums = {}
    for name, digests in old.items():
        own.setdefault(folded(name), set()).update(digests)
    taken = [
        str(layout.output / name)
        for name, wanted in new.items()
        if os.path.lexists(layout.output / name)
        and sha256_of(layout.output / name) not in {*own.get(folded(name), ()), wanted}
    ]
    if taken:
        _refuse(taken, f"{layout.output} holds files of other origin that are in the way")


def refuse_linked(records: Records, names: Iterable[str]) -> None:
    """Stop where a folder on the way to a published file is a link: it may lead among the originals."""
    folders = {folder for name in names for folder in (records.output / name).parents}
    linked = [str(folder) for folder in folders if folder.is_relative_to(records.output) and folder.is_symlink()]
    if linked:
        _refuse(linked, f"{records.output} holds linked folders, which nothing is written through")


def _refuse(paths: list[str], reason: str) -> None:
    raise OutputError(f"{reason}: {named(sorted(paths), _NAMED)}", hint=_REMEDY)


def _link(source: Path, target: Path, temporary_name: Path) -> None:
    """Link `source` to the name `target` atomically; copy it if the file system has no hard links."""
    with files.reporting_write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary_name.unlink(missing_ok=True)
            os.link(source, temporary_name)
            temporary_name.replace(target)
        except OSError:
            with files.atomic(target) as temporary:
                shutil.copy(source, temporary)
        files.sync_folder(target.parent)


def sha256_of(path: Path) -> str:
    """Return the hex SHA-256 of a regular file; empty if there is none, or a link."""
    return checksums.sha256(path) if path.is_file() and not path.is_symlink() else ""


def remove(path: Path, root: Path) -> None:
    """Remove a file, and the folders below `root` that become empty."""
    with files.reporting_write_errors(path):
        path.unlink()
        files.sync_folder(path.parent)
        for folder in path.relative_to(root).parents:
            if folder != Path() and not any((root / folder).iterdir()):
                (root / folder).rmdir()


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
    own = {layout.staged / one.name for one in run.prepared.ready}
    for path in files.files_below(layout.staged):
        if path not in own:  # captions, and copies of photos that are gone since the run was stopped
            path.unlink()
    planned = composed(run, state)
    for line in word_list(planned, layout):
        progress.note(line)
    written = write_photos(planned, state, run, progress)
    publication, lines = written.publication, written.lines
    run = replace(run, prepared=publication.prepared)
    write_caption_files(publication, run.dataset, layout, run.settings.keep_fields)
    roundtrip, texts, lost = reread_captions(publication, layout, run.dataset)
    losses = measure_losses(run, state, written, texts | plain, progress)
    if run.method.lowers_loss:
        refuse_unprotected(losses, run.settings, staged=True)
    seconds = time.monotonic() - started
    report = summarise(run, state, lines, losses, rounds, roundtrip, seconds)
    names = names_to_write(run.dataset, run.settings) if run.settings.names == "initials" else ()
    left = names_left_notes(layout.staged, names)
    for note in (*names_notes(run), *left):
        progress.note(note)
    report = report.model_copy(update={"notes": [*notes, *said_of_lost(lost), *report.notes, *left]})
    return Staged(report, lines, written.thumbnails, publication)


def finish(run: Run, staged: Staged, progress: Progress) -> ProtectReport:
    """Put what was staged in place, then write its records, the report last."""
    layout = run.layout
    page = protect_page(staged.report, staged.lines, run.settings, staged.pictures)
    put_in_place(layout)
    _remember(run, progress)
    files.write_text(layout.manifest, manifest_text(staged.lines))
    files.write_bytes(layout.settings, layout.staged_settings.read_bytes())
    files.write_text(layout.page, page)
    text = staged.report.model_dump_json(indent=2) + "\n"
    files.write_text(layout.report, text)
    clear(layout)
    return with_strangers(staged.report, layout)


def _remember(run: Run, progress: Progress) -> None:
    captions = run.dataset.source or run.settings.captions  # a folder, where those beside or in photos were chosen
    try:
        records.remember(run.layout.photos, captions, run.layout.output)
    except OutputError as error:  # no reason to lose a finished run
        progress.note(f"this run is not recorded as the last one: {error.message}")
