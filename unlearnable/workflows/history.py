"""The history between runs: hashes of the copies that the tool made, where they are, and the last run.

It is stored in the user's state folder (`UNLEARNABLE_STATE` moves it), never with the photos.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from unlearnable import files
from unlearnable.errors import InputError
from unlearnable.folders import state_folder

LAST = "last.json"
MADE = "made.txt"
COPIES = "copies.jsonl"


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


def known_protected_hashes() -> set[str]:
    """Return the SHA-256 of every protected photo that this user has made."""
    try:
        return set((state_folder() / MADE).read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return set()


def known_copies() -> list[MadeCopy]:
    """Return what is remembered of each protected photo; lines that cannot be read, as of another version, are not."""
    try:
        texts = (state_folder() / COPIES).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for text in texts:
        with suppress(ValueError, TypeError, KeyError):
            row = json.loads(text)
            int(row["perceptual_hash"], 16)
            found.append(MadeCopy(**{**row, "path": Path(row["path"]), "original": Path(row["original"])}))
    return found


def remember(
    photos: Path, captions: Path | None, output: Path, hashes: Iterable[str], copies: Iterable[MadeCopy] = ()
) -> None:
    """Record the protected photos by their hashes, what is known of them besides, and the run as the last one."""
    files.check_writable(state_folder())
    with (
        files.reporting_write_errors(state_folder()),
        FileLock(state_folder() / "lock"),
    ):  # several runs may end at once
        all_hashes = known_protected_hashes() | set(hashes)
        files.write_text(state_folder() / MADE, "".join(f"{line}\n" for line in sorted(all_hashes)))
        by_hash = {copy.sha256: copy for copy in (*copies, *known_copies())}  # the day is that of the first time
        rows = (json.dumps(copy._asdict(), default=str) + "\n" for _, copy in sorted(by_hash.items()))
        files.write_text(state_folder() / COPIES, "".join(rows))
        if captions is not None and captions.exists():  # not for a word such as `people`
            captions = captions.absolute()
        last = {"photos": str(photos), "captions": None if captions is None else str(captions), "output": str(output)}
        files.write_text(state_folder() / LAST, json.dumps(last) + "\n")


@dataclass(frozen=True)
class Remembered:
    """Originals and their protected copies.

    Attributes:
        originals: folder of the originals.
        protected: folder of the protected copies.
        captions: caption file of the originals, if known.
        reason: how the pair was found.
    """

    originals: Path
    protected: Path
    captions: Path | None
    reason: str


def pair_to_verify(originals: Path | None) -> Remembered:
    """Return the folders for `verify` if not both are given: those of the last run, or a pair in the current folder.

    Raises:
        InputError: there is no such pair.
    """
    last = _last()
    if last and (originals is None or originals.absolute() in (last.originals, last.captions)):
        return last
    if originals is not None and not originals.exists():
        raise InputError(f"there is no {originals}", hint="unlearnable verify ORIGINALS PROTECTED")
    if originals is not None:
        root = originals if originals.is_dir() else originals.absolute().parent
        captions = None if originals.is_dir() else originals
        return Remembered(root, root.with_name(f"{root.name}-protected"), captions, "by its name")
    for copy in sorted(Path().glob("*-protected")):
        folder = copy.with_name(copy.name.removesuffix("-protected"))
        if copy.is_dir() and folder.is_dir():
            return Remembered(folder, copy, None, "found in this folder")
    raise InputError("there is no earlier run to verify", hint="unlearnable verify ORIGINALS PROTECTED")


def _last() -> Remembered | None:
    """Return the last run of `protect`, if its folders still exist."""
    try:
        last = json.loads((state_folder() / LAST).read_text(encoding="utf-8"))
        captions = Path(last["captions"]) if last.get("captions") else None
        remembered = Remembered(Path(last["photos"]), Path(last["output"]), captions, "the last protect run")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return remembered if remembered.originals.is_dir() and remembered.protected.is_dir() else None
