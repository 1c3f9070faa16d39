"""Stage photos and captions, verify them, put them in place, and write the records of the run."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnable.errors import OutputError
from unlearnable.methods.base import State
from unlearnable.protect.layout import Layout, Records, clear, folded
from unlearnable.protect.read import Run
from unlearnable.protect.records import manifest_text, remember
from unlearnable.protect.summary import (
    measure_losses,
    names_left_notes,
    names_notes,
    refuse_unprotected,
    reread_captions,
    summarise,
)
from unlearnable.protect.write import (
    compose,
    refuse_without_noise,
    skipped_lines,
    word_list,
    write_caption_files,
    write_photos,
)
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.report.html import protect_page
from unlearnable.report.pictures import Thumbnails
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.wording import named

Sums = dict[str, set[str]]  # SHA-256 that each published file may have, by its path in the output folder
NAMED = 5  # files in a message; the others are counted


@dataclass(frozen=True)
class Staged:
    """A result in the staging folder, read back and measured."""

    report: ProtectReport
    lines: Sequence[ManifestLine]
    pictures: Mapping[str, Thumbnails]  # for the page, by the path of the copy
    copies: Sequence[str]  # names of the photos that were written


def stage(
    run: Run, state: State, rounds: list[float], started: float, progress: Progress, notes: Sequence[str] = ()
) -> Staged:
    """Write photos and captions into the staging folder and verify them."""
    layout = run.layout
    refuse_without_noise(run, state)
    posts = compose(run, state)
    plain = compose(run, state, plain_names=True) if run.settings.names == "lookalike" else []
    own = {layout.staged / post.name for post in posts}
    for path in files.files_below(layout.staged):
        if path not in own:  # captions, and copies of photos that are gone since the run was stopped
            path.unlink()
    for line in word_list(posts, layout):
        progress.note(line)
    written = write_photos(posts, state, run, progress)
    run = run.without(written.left_out)
    gone = {one.where for one in written.left_out}
    posts = [post for post in posts if post.photo not in gone]
    write_caption_files(posts, run)
    roundtrip, texts, lost = reread_captions(posts, run)
    texts |= {post.name: post.texts for post in plain}  # what is left to whoever undoes the letters has to hold
    losses = measure_losses(run, state, written, texts, progress)
    if run.method.lowers_loss:
        refuse_unprotected(losses, run.settings, staged=True)
    lines = [*written.lines, *skipped_lines(run.dataset, run.skipped)]
    report = summarise(run, state, lines, losses, rounds, roundtrip, time.monotonic() - started)
    left = names_left_notes(run)
    for note in (*names_notes(run), *left):
        progress.note(note)
    if lost:
        told = "a caption was not read back as it was written, with all of its added words"
        notes = [*notes, f"{named(lost, NAMED)}: {told}"]
    report = report.model_copy(update={"notes": [*notes, *report.notes, *left]})
    return Staged(report, lines, written.thumbnails, [post.name for post in posts])


def publish(run: Run, staged: Staged, progress: Progress) -> ProtectReport:
    """Put what was staged in place, then write its records, the report last."""
    layout = run.layout
    page = protect_page(staged.report, staged.lines, run.settings, staged.pictures)
    put_in_place(layout)
    captions = run.dataset.source or run.settings.captions  # a folder, where those beside or in photos were chosen
    try:
        remember(layout.photos, captions, layout.output)
    except OutputError as error:  # no reason to lose a finished run
        progress.note(f"this run is not recorded as the last one: {error.message}")
    files.write_text(layout.manifest, manifest_text(staged.lines))
    files.write_bytes(layout.settings, layout.staged_settings.read_bytes())
    files.write_text(layout.page, page)
    files.write_text(layout.report, staged.report.model_dump_json(indent=2) + "\n")
    clear(layout)
    return staged.report


def put_in_place(layout: Layout) -> None:
    """Replace the published result by the staged one; a call that is interrupted can be repeated.

    The old report is removed first, so that no partial result looks complete. Files on the old list that the new
    result lacks are removed if they are unchanged.

    Raises:
        OutputError: a file of other origin or a linked folder is in the way, or the system refuses to write.
    """
    new = {path.relative_to(layout.staged).as_posix(): sha256_of(path) for path in files.files_below(layout.staged)}
    old = read_sums(layout)
    _refuse_in_the_way(layout, new, old)
    with files.reporting_write_errors(layout.report):
        layout.report.unlink(missing_ok=True)
        files.sync_folder(layout.private)
    both = {name: old.get(name, set()) | ({new[name]} if name in new else set()) for name in {*old, *new}}
    files.write_sums(layout.sums, both)
    for name in both:  # a kill leaves half a file where the file system has no links
        files.temporary_name(layout.output / name).unlink(missing_ok=True)
    for name in old.keys() - new.keys():  # first: where case does not count, a new name may be the same file
        if sha256_of(layout.output / name) in both[name]:
            _remove(layout.output / name, layout.output)
    for name, checksum in new.items():
        if sha256_of(layout.output / name) != checksum:
            _link(layout.staged / name, layout.output / name, layout.swapping)
    files.write_sums(layout.sums, {name: {checksum} for name, checksum in new.items()})


def _refuse_in_the_way(layout: Layout, new: Mapping[str, str], old: Sums) -> None:
    """Stop at files that no run wrote, and at linked folders, which may lead among the originals."""
    above = {folder for name in {*old, *new} for folder in (layout.output / name).parents}
    linked = [str(folder) for folder in above if folder.is_relative_to(layout.output) and folder.is_symlink()]
    if linked:
        _refuse(linked, f"{layout.output} holds linked folders, which nothing is written through")
    own: Sums = {}
    for name, digests in old.items():
        own.setdefault(folded(name), set()).update(digests)
    taken = [
        str(layout.output / name)
        for name, checksum in new.items()
        if os.path.lexists(layout.output / name)
        and sha256_of(layout.output / name) not in {*own.get(folded(name), ()), checksum}
    ]
    if taken:
        _refuse(taken, f"{layout.output} holds files of other origin that are in the way")


def refuse_foreign(layout: Layout) -> None:
    """Stop if the published folder holds anything that this program did not write, or that has changed since."""
    sums = read_sums(layout)
    foreign = [
        str(path)
        for path in files.files_below(layout.output)
        if not files.is_temporary(path)
        and sha256_of(path) not in sums.get(path.relative_to(layout.output).as_posix(), ())
    ]
    if foreign:
        _refuse(foreign, f"{layout.output} holds files that this program did not make, or that have changed since")


def _refuse(paths: list[str], reason: str) -> None:
    hint = "move them elsewhere, or choose another `output`"
    raise OutputError(f"{reason}: {named(sorted(paths), NAMED)}", hint=hint)


def damaged(layout: Layout) -> list[str]:
    """Return the published files that are missing or have changed since they were written."""
    return [name for name, digests in read_sums(layout).items() if sha256_of(layout.output / name) not in digests]


def read_sums(records: Records) -> Sums:
    """Return the checksums of the published files; empty without a list."""
    if not records.sums.is_file():
        return {}
    return files.parse_sums(records.sums.read_text(encoding="utf-8", errors="surrogateescape"))


def sha256_of(path: Path) -> str:
    """Return the hex SHA-256 of a regular file; empty if there is none, or a link."""
    return files.sha256(path) if path.is_file() and not path.is_symlink() else ""


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


def _remove(path: Path, root: Path) -> None:
    """Remove a file, and the folders below `root` that become empty."""
    with files.reporting_write_errors(path):
        path.unlink()
        files.sync_folder(path.parent)
        for folder in path.relative_to(root).parents:
            if folder != Path() and not any((root / folder).iterdir()):
                (root / folder).rmdir()
