"""The history between runs: hashes of the copies that the tool made, where they are, and the last run.

It is stored in the user's state folder (`UNLEARNABLE_STATE` moves it), never with the photos. Each line has a checksum
of its own; lines of earlier versions, which have none, are taken as they are and get one with the next run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from filelock import FileLock

from unlearnable.disk import entries, files, limits, seal
from unlearnable.disk.folders import state_folder
from unlearnable.errors import InputError
from unlearnable.wording.counts import counted

LAST = "last.json"
MADE = "made.txt"
COPIES = "copies.jsonl"
Kind = TypeVar("Kind")
Note = Callable[[str], object]
_HASH = re.compile("[0-9a-f]{64}")
_PLACES = ("path", "original")


class MadeCopy(NamedTuple):
    """A protected photo, so that it is known again after it was saved again.

    Attributes:
        sha256: SHA-256 of the copy.
        perceptual_hash: its perceptual hash, in hex.
        path: where it was written.
        original: its original.
        original_sha256: SHA-256 of that.
        made: day on which it was made, such as 2026-01-31.
    """

    sha256: str
    perceptual_hash: str
    path: Path
    original: Path
    original_sha256: str
    made: str


def known_protected_hashes(note: Note) -> set[str]:
    """Return the SHA-256 of every protected photo that this user has made; what is damaged is said in a note."""
    return set(_known(MADE, _hash_in, note))


def known_copies(note: Note) -> list[MadeCopy]:
    """Return what is remembered of each protected photo; what is damaged is said in a note."""
    return _known(COPIES, _copy_in, note)


def _known(name: str, parse: Callable[[str], Kind | None], note: Note) -> list[Kind]:
    path = state_folder() / name
    try:
        found = _read(path, parse)
    except OSError as error:
        note(f"cannot read {path}: {error.strerror or error}; copies made earlier may not be known again")
        return []
    if damaged := found.count(None):
        note(f"{path} has {counted(damaged, 'damaged line')}; those copies may not be known again")
    return _whole(found)


def _read(path: Path, parse: Callable[[str], Kind | None]) -> list[Kind | None]:
    """Return what each line of a file tells, None for a damaged one; nothing if there is no file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [parse(line) for line in text.split("\n") if line]


def _whole(found: Iterable[Kind | None]) -> list[Kind]:
    return [one for one in found if one is not None]


def _hash_in(line: str) -> str | None:
    if _HASH.fullmatch(line):  # of an earlier version, without a checksum
        return line
    return seal.unseal_line(line)


def _copy_in(line: str) -> MadeCopy | None:
    try:
        row = seal.unseal_json(line)
        int(row["perceptual_hash"], 16)
        return MadeCopy(**row | {name: Path(row[name]) for name in _PLACES})
    except (ValueError, TypeError, KeyError):
        return None


def remember(
    photos: Path, captions: Path | None, output: Path, hashes: Iterable[str], copies: Iterable[MadeCopy] = ()
) -> None:
    """Record the protected photos by their hashes, what is known of them besides, and the run as the last one."""
    limits.check_writable(state_folder())
    with (
        files.reporting_write_errors(state_folder()),
        FileLock(state_folder() / "lock"),
    ):  # several runs may end at once
        made = {*hashes, *_whole(_read(state_folder() / MADE, _hash_in))}
        files.write_text(state_folder() / MADE, "".join(map(seal.seal_line, sorted(made))))
        known = _whole(_read(state_folder() / COPIES, _copy_in))
        days = {copy.sha256: copy.made for copy in known}  # of the first time; the places are those of the last
        again = (copy._replace(made=days.get(copy.sha256, copy.made)) for copy in copies)
        by_hash = {copy.sha256: copy for copy in (*known, *again)}
        rows = (
            seal.seal_json(copy._asdict() | {name: str(getattr(copy, name)) for name in _PLACES})
            for _, copy in sorted(by_hash.items())
        )
        files.write_text(state_folder() / COPIES, "".join(rows))
        if captions is not None and captions.exists():  # not for a word such as `people`
            captions = captions.absolute()
        last = {"photos": str(photos), "captions": None if captions is None else str(captions), "output": str(output)}
        files.write_text(state_folder() / LAST, seal.seal_json(last))


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


def pair_to_verify(originals: Path | None, note: Note) -> Remembered:
    """Return the folders for `verify` if not both are given: those of the last run, or a pair in the current folder.

    That the record of the last run is damaged is said in a note.

    Raises:
        InputError: there is no such pair.
    """
    last = _last(note)
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


def captions_of_last(originals: Path, protected: Path, note: Note) -> Path | None:
    """Return the captions, by `Remembered`, that the last run of `protect` read, if it is the run of these folders."""
    last, folders = _last(note), (originals.absolute(), protected.absolute())
    return last.captions if last and folders == (last.originals, last.protected) else None


def _last(note: Note) -> Remembered | None:
    """Return the last run of `protect`, if its folders still exist."""
    path = state_folder() / LAST
    try:
        last = seal.unseal_json(path.read_bytes())
        captions = Path(last["captions"]) if last.get("captions") else None
        remembered = Remembered(Path(last["photos"]), Path(last["output"]), captions, "the last protect run")
    except FileNotFoundError:
        return None
    except OSError as error:
        note(f"cannot read {path}: {error.strerror or error}; the last run is not known")
        return None
    except (ValueError, KeyError, TypeError):
        note(f"{path} is damaged: the last run is not known")
        return None
    return remembered if remembered.originals.is_dir() and remembered.protected.is_dir() else None
