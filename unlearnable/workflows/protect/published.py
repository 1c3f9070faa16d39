"""The published folder: which files in it are ours, and how a new result takes the place of an old one.

A result is made in a staging folder inside the private one and put in place when it is whole and proved. The list of
what was published, `SHA256SUMS`, is a file that `sha256sum --check` reads; nothing that is not on it is ever removed or
replaced.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from unlearnable import files
from unlearnable.errors import OutputError
from unlearnable.workflows.layout import Layout

Sums = dict[str, set[str]]
_LISTED = 5  # names in an error message; the others are counted
_AWAY = "move them elsewhere, or choose another --output"


def read_sums(layout: Layout) -> Sums:
    """Return the sha256 that each published file may have, by its path in the output folder; empty without a list."""
    if not layout.sums.is_file():
        return {}
    sums = files.parse_sums(layout.sums.read_text(encoding="utf-8", errors="replace"))
    return {name: known for name, known in sums.items() if _is_below(name)}


def damaged(layout: Layout) -> list[str]:
    """Return the published files that are missing or no longer what was written."""
    return [name for name, known in read_sums(layout).items() if _hash(layout.output / name) not in known]


def refuse_foreign(layout: Layout) -> None:
    """Stop where a folder of the run holds anything that this program did not put there as it is.

    Raises:
        OutputError: it does; the files are listed.
    """
    sums = read_sums(layout)
    foreign = [
        str(path)
        for path in _files_below(layout.output)
        if path.is_symlink() or _hash(path) not in sums.get(path.relative_to(layout.output).as_posix(), ())
    ]
    foreign += [str(path) for path in _files_below(layout.private) if not layout.owns(path)]
    if foreign:
        _refuse(foreign, f"{layout.output} holds files that were not made by this program, or were changed since")


def put_in_place(layout: Layout) -> None:
    """Replace the published result by the staged one; a call that is cut short can be repeated.

    The old report goes first, so that no half result looks whole. What the old list names and the new result does
    not hold is removed where it is unchanged.

    Raises:
        OutputError: a file that is not ours stands where one is to be written, or the system refuses.
    """
    new = {path.relative_to(layout.staged).as_posix(): _hash(path) for path in _files_below(layout.staged)}
    old = read_sums(layout)
    _refuse_taken(layout, new, old)
    with files.reporting_write_errors(layout.report):
        layout.report.unlink(missing_ok=True)
    both = {name: old.get(name, set()) | ({new[name]} if name in new else set()) for name in {*old, *new}}
    files.write_text(layout.sums, files.format_sums(both))
    for name, wanted in new.items():
        if _hash(layout.output / name) != wanted:
            _link(layout.staged / name, layout.output / name, layout.swapping)
    for name in old.keys() - new.keys():
        if _hash(layout.output / name) in old[name]:
            _remove(layout.output / name, layout.output)
    files.write_text(layout.sums, files.format_sums({name: {wanted} for name, wanted in new.items()}))


def _refuse_taken(layout: Layout, new: dict[str, str], old: Sums) -> None:
    taken = [
        str(layout.output / name)
        for name, wanted in new.items()
        if os.path.lexists(layout.output / name) and _hash(layout.output / name) not in {*old.get(name, ()), wanted}
    ]
    if taken:
        _refuse(taken, f"{layout.output} has got files of other origin while this ran")


def _refuse(paths: list[str], why: str) -> None:
    more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    raise OutputError(f"{why}: {', '.join(sorted(paths)[:_LISTED])}{more}", hint=_AWAY)


def _link(source: Path, target: Path, between: Path) -> None:
    """Give `source` the second name `target`, in one step; a copy where the file system has no second names."""
    with files.reporting_write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            between.unlink(missing_ok=True)
            os.link(source, between)
            between.replace(target)
        except OSError:
            with files.atomic(target) as temporary:
                shutil.copyfile(source, temporary)
        files.sync_folder(target.parent)


def _hash(path: Path) -> str:
    """Return the sha256 of a regular file, or nothing where there is none."""
    return files.sha256(path) if path.is_file() and not path.is_symlink() else ""


def _files_below(folder: Path) -> Iterable[Path]:
    """Yield all that lies in a folder and is not itself a folder; a link counts as a file."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path


def _remove(path: Path, root: Path) -> None:
    """Remove a file, and the folders below `root` that it leaves empty."""
    with files.reporting_write_errors(path):
        path.unlink()
        for folder in path.relative_to(root).parents:
            if folder != Path() and not any((root / folder).iterdir()):
                (root / folder).rmdir()


def _is_below(name: str) -> bool:
    """Whether a name on the list stays inside the folder: a damaged or forged list must not lead out of it."""
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
