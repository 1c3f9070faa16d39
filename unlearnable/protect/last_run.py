"""The last run of `protect`, by which `verify` finds its folders: a small file in the user's state folder.

`UNLEARNABLE_STATE` moves that folder. Without the file, a pair of folders in the current one is found by its names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from unlearnable.disk import entries, files, limits
from unlearnable.disk.folders import state_folder
from unlearnable.errors import InputError

LAST = "last-run.json"


@dataclass(frozen=True)
class Remembered:
    """Originals and their protected copies.

    Attributes:
        originals: folder of the originals.
        protected: folder of the protected copies.
        captions: caption file of the originals, if known, or their folder where it was given as such.
        reason: how the pair was found.
    """

    originals: Path
    protected: Path
    captions: Path | None
    reason: str


def remember(photos: Path, captions: Path | None, output: Path) -> None:
    """Record a run as the last one.

    Raises:
        OutputError: the state folder cannot be written.
    """
    limits.check_writable(state_folder())
    if captions is not None and captions.exists():  # not for a word such as `people`
        captions = captions.absolute()
    last = {"photos": str(photos), "captions": None if captions is None else str(captions), "output": str(output)}
    files.write_text(state_folder() / LAST, json.dumps(last) + "\n")


def pair_to_verify(originals: Path | None) -> Remembered:
    """Return the folders for `verify` if not both are given: those of the last run, or a pair in the current folder.

    Raises:
        InputError: there is no such pair.
    """
    last = _last()
    if last and (originals is None or originals.absolute() in (last.originals, last.captions)):
        return last
    if originals is not None and not originals.exists():
        raise entries.missing(originals)
    if originals is not None:
        root = originals if originals.is_dir() else originals.absolute().parent
        captions = None if originals.is_dir() else originals
        return Remembered(root, root.with_name(f"{root.name}-protected"), captions, "by its name")
    for copy in sorted(Path().glob("*-protected")):
        folder = copy.with_name(copy.name.removesuffix("-protected"))
        if copy.is_dir() and folder.is_dir():
            return Remembered(folder, copy, None, "found in this folder")
    raise InputError("there is no earlier run to verify", hint="unlearnable verify ORIGINALS PROTECTED")


def captions_of_last(originals: Path, protected: Path) -> Path | None:
    """Return the captions, by `Remembered`, that the last run of `protect` read, if it is the run of these folders."""
    last, folders = _last(), (originals.absolute(), protected.absolute())
    return last.captions if last and folders == (last.originals, last.protected) else None


def _last() -> Remembered | None:
    """Return the last run of `protect`, if it is known and its folders still exist."""
    try:
        last = json.loads((state_folder() / LAST).read_text(encoding="utf-8"))
        captions = Path(last["captions"]) if last["captions"] else None
        remembered = Remembered(Path(last["photos"]), Path(last["output"]), captions, "the last protect run")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return remembered if remembered.originals.is_dir() and remembered.protected.is_dir() else None
