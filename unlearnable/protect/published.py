"""The published folder: recognise the files that this program wrote, and replace an old result by a new one.

A result is made in a staging folder inside the private one and put in place once it is complete and verified. The list
of published files, `SHA256SUMS`, can be read by `sha256sum --check`; a file that is not on it is never removed or
replaced.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from unlearnable.datasets import is_photo
from unlearnable.disk import checksums, entries, files
from unlearnable.errors import OutputError
from unlearnable.protect.layout import Layout, Records, layout_in
from unlearnable.protect.names import folded
from unlearnable.results import ProtectReport
from unlearnable.wording.counts import named

Sums = dict[str, set[str]]
_NAMED = 3  # names in a remark; the others are counted
_LISTED = 5  # names in an error message; the others are counted
_REMEDY = "move them elsewhere, or choose another --output"


def read_sums(records: Records) -> Sums:
    """Return the SHA-256 that each published file may have, by its path in the output folder; empty without a list."""
    if not records.sums.is_file():
        return {}
    sums = checksums.parse_sums(records.sums.read_text(encoding="utf-8", errors="surrogateescape"))
    return {name: digests for name, digests in sums.items() if _is_below(name)}


def damaged(layout: Layout) -> list[str]:
    """Return the published files that are missing or have changed since they were written."""
    return [name for name, digests in read_sums(layout).items() if sha256_of(layout.output / name) not in digests]


def refuse_changed(layout: Layout, names: Sequence[str]) -> None:
    """Stop where published files that are to be made again have changed: they may be the user's work.

    Raises:
        OutputError: one has; the message lists them.
    """
    if found := [str(layout.output / name) for name in names if os.path.lexists(layout.output / name)]:
        _refuse(found, f"{layout.output} holds files that have changed since they were written")


def refuse_foreign(layout: Layout) -> None:
    """Stop if a folder of the run holds anything that this program did not write, or that has changed since.

    Raises:
        OutputError: there are such files; the message lists them.
    """
    sums = read_sums(layout)
    passing = _left_by_a_kill(layout, sums)
    foreign = [
        str(path)
        for path in entries.files_below(layout.output)
        if path not in passing and sha256_of(path) not in sums.get(path.relative_to(layout.output).as_posix(), ())
    ]
    foreign += [str(path) for path in entries.files_below(layout.private) if not layout.owns(path)]
    if foreign:
        _refuse(foreign, f"{layout.output} holds files that this program did not make, or that have changed since")


def with_strangers(report: ProtectReport, layout: Layout) -> ProtectReport:
    """Return a report that also names the photos in the published folder that no run wrote, as they have no noise."""
    sums = read_sums(layout)
    names = (path.relative_to(layout.output).as_posix() for path in entries.files_below(layout.output))
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
    new = {path.relative_to(layout.staged).as_posix(): sha256_of(path) for path in entries.files_below(layout.staged)}
    old = read_sums(layout)
    refuse_linked(layout, {*old, *new})
    _refuse_taken(layout, new, old)
    _refuse_private(layout)
    with files.reporting_write_errors(layout.report):
        layout.report.unlink(missing_ok=True)
        files.sync_folder(layout.private)
    both = {name: old.get(name, set()) | ({new[name]} if name in new else set()) for name in {*old, *new}}
    checksums.write_sums(layout.sums, both)
    for path in _left_by_a_kill(layout, both):
        path.unlink(missing_ok=True)
    for name in old.keys() - new.keys():  # first: where case does not count, a new name may be the same file
        if sha256_of(layout.output / name) in both[name]:
            remove(layout.output / name, layout.output)
    for name, wanted in new.items():
        if sha256_of(layout.output / name) != wanted:
            _link(layout.staged / name, layout.output / name, layout.swapping)
    checksums.write_sums(layout.sums, {name: {wanted} for name, wanted in new.items()})


def _left_by_a_kill(layout: Layout, sums: Sums) -> set[Path]:
    """Return the temporary names of published files: where a file system has no links, a kill may leave one there."""
    return {files.temporary_name(layout.output / name) for name in sums}


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


def _refuse_private(layout: Layout) -> None:
    """Stop where a run that began since keeps its private folder in the one that is to be published."""
    others = [layout_in(folder) for folder in layout.output.rglob("*.private")]
    found = [str(other.private) for other in others if other.lock.exists() or other.manifest.exists()]
    if found:
        _refuse(found, f"{layout.output} holds private folders of other runs, which must not be published")


def _refuse(paths: list[str], reason: str) -> None:
    raise OutputError(f"{reason}: {named(sorted(paths), _LISTED)}", hint=_REMEDY)


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


def _is_below(name: str) -> bool:
    """Return whether a name on the list stays inside the folder: a damaged or forged list must not lead out of it."""
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
