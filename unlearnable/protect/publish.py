"""Stage photos and captions, verify them, put them in place, and write the records of the run."""

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnable.errors import OutputError
from unlearnable.methods.base import State
from unlearnable.protect import write
from unlearnable.protect.layout import Layout, clear, folded
from unlearnable.protect.read import Run
from unlearnable.protect.records import Sums, in_the_way, manifest_text, read_sums, remember, sha256_of
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.report.html import protect_page
from unlearnable.report.pictures import Thumbnails
from unlearnable.storage import files
from unlearnable.storage.progress import Progress


@dataclass(frozen=True)
class Staged:
    """A result in the staging folder, read back and measured."""

    report: ProtectReport
    lines: Sequence[ManifestLine]
    pictures: Mapping[str, Thumbnails]  # for the page, by the path of the copy


def stage(
    run: Run, state: State, rounds: list[float], started: float, progress: Progress, notes: Sequence[str] = ()
) -> Staged:
    """Write photos and captions into the staging folder and verify them."""
    layout = run.layout
    write.refuse_without_noise(run, state)
    posts = write.compose(run, state)
    plain = write.compose(run, state, plain_names=True) if run.settings.names == "lookalike" else []
    own = {layout.staged / post.name for post in posts}
    for path in files.files_below(layout.staged):
        if path not in own:  # captions, and copies of photos that are gone since the run was stopped
            path.unlink()
    for line in write.word_list(posts, layout):
        progress.note(line)
    written = write.write_photos(posts, state, run, progress)
    run = run.without(written.left_out)
    gone = {one.where for one in written.left_out}
    posts = [post for post in posts if post.photo not in gone]
    write.write_caption_files(posts, run)
    roundtrip, texts = write.reread_captions(posts, run)
    texts |= {post.name: post.texts for post in plain}  # what is left to whoever undoes the letters has to hold
    losses = write.measure_losses(run, state, written, texts, progress)
    if run.method.lowers_loss:
        write.refuse_unprotected(losses, run.settings, staged=True)
    lines = [*written.lines, *write.skipped_lines(run.dataset, run.skipped)]
    report = write.summarise(run, state, lines, losses, rounds, roundtrip, time.monotonic() - started)
    for note in write.names_notes(run):
        progress.note(note)
    return Staged(report.model_copy(update={"notes": [*notes, *report.notes]}), lines, written.thumbnails)


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
            place(layout.staged / name, layout.output / name, layout.swapping)
    files.write_sums(layout.sums, {name: {checksum} for name, checksum in new.items()})


def _refuse_in_the_way(layout: Layout, new: Mapping[str, str], old: Sums) -> None:
    """Stop at files that no run wrote, and at linked folders, which may lead among the originals."""
    above = {folder for name in {*old, *new} for folder in (layout.output / name).parents}
    linked = [str(folder) for folder in above if folder.is_relative_to(layout.output) and folder.is_symlink()]
    if linked:
        raise in_the_way(linked, f"{layout.output} holds linked folders, which nothing is written through")
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
        raise in_the_way(taken, f"{layout.output} holds files of other origin that are in the way")


def _remove(path: Path, root: Path) -> None:
    """Remove a file, and the folders below `root` that become empty."""
    with files.reporting_write_errors(path):
        path.unlink()
        files.sync_folder(path.parent)
        for folder in path.relative_to(root).parents:
            if folder != Path() and not any((root / folder).iterdir()):
                (root / folder).rmdir()


def place(source: Path, target: Path, temporary_name: Path) -> None:
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
