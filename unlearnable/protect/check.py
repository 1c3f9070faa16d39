"""Check a protected folder: every file as it was written, noise and triggers in it, nothing extra, nothing private."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from unlearnable.errors import CheckpointError, InputError
from unlearnable.imaging import metadata
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.protect.layout import METADATA, Layout, layout_beside
from unlearnable.protect.posts import root_of
from unlearnable.protect.publish import read_sums, sha256_of
from unlearnable.protect.records import ANEW, parse_settings, read_as, read_manifest, read_report
from unlearnable.report import FolderCheck, FolderProblem, ManifestLine
from unlearnable.storage import files

PUBLIC = ("time", "camera")  # kinds of metadata that every copy may have


def check(folder: Path) -> FolderCheck:
    """Compare a protected folder with its manifest, its list of checksums and, where they are left, the originals.

    Raises:
        InputError: there is no such folder, or none of the records of its run.
        CheckpointError: a record is damaged or gone.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint="give the folder that protect wrote")
    layout = layout_beside(folder)
    lost = [path for path in (layout.sums, layout.manifest) if not path.is_file()]
    if len(lost) == 1:
        raise CheckpointError(f"{lost[0]} of the run is gone", hint=ANEW)
    if lost:
        hint = f"give the folder that protect wrote, with its private folder {layout.private.name} beside it"
        raise InputError(f"{folder} is not an unlearnable output folder", hint=hint)
    target, sums = layout.output, read_sums(layout)
    lines = [line for line in read_manifest(layout.manifest) if line.output]
    problems = [*_report(layout), *_files(target, sums), *_extra(target, sums)]
    originals, texts, compared = _originals(layout), _texts(target), 0
    for line in lines:
        path, original = target / str(line.output), originals / line.source if originals else None
        if not path.is_file():
            continue
        same = _same_pixels(path, original, line)
        compared += same is not None
        problems += _photo(path, line, texts.get(str(line.output), line.captions), unchanged=bool(same))
    return FolderCheck(folder=str(folder), files=len(sums), photos=len(lines), compared=compared, problems=problems)


def _report(layout: Layout) -> Iterator[FolderProblem]:
    """Yield what is wrong with the report, which a run writes last: without it, nothing can be added to the folder."""
    if not layout.report.is_file():
        if layout.key_under_way() is None:
            yield FolderProblem(where=".", kind="missing", detail=f"{layout.report} is gone; {ANEW}")
        else:
            detail = f"the run did not come to its end; use {layout.continued_by}"
            yield FolderProblem(where=".", kind="unfinished", detail=detail)
        return
    try:
        report = read_report(layout)
    except CheckpointError as error:
        yield FolderProblem(where=".", kind="changed", detail=f"{error.message}; {error.hint}")
        return
    lines = [line for line in read_manifest(layout.manifest) if line.output]
    if len(lines) < report.protected:
        detail = f"{layout.manifest} lists {len(lines)} of {report.protected} photos; {ANEW}"
        yield FolderProblem(where=".", kind="changed", detail=detail)


def _files(folder: Path, sums: Mapping[str, set[str]]) -> Iterator[FolderProblem]:
    for name, digests in sums.items():
        now = sha256_of(folder / name)
        if not now:
            yield FolderProblem(where=name, kind="missing", detail="the run wrote it, and it is gone")
        elif now not in digests:
            yield FolderProblem(where=name, kind="changed", detail="it is not as the run wrote it")


def _extra(folder: Path, sums: Mapping[str, set[str]]) -> Iterator[FolderProblem]:
    for root, folders, names in os.walk(folder):
        for private in [name for name in folders if name.endswith(".private")]:
            where = Path(root, private).relative_to(folder).as_posix()
            if any(name.startswith(f"{where}/") for name in sums):
                continue  # so called by the user, and photos of it are published
            folders.remove(private)
            yield FolderProblem(where=where, kind="private", detail="a private folder, which must not be published")
        linked = [name for name in folders if Path(root, name).is_symlink()]
        for name in (Path(root, name).relative_to(folder).as_posix() for name in [*names, *linked]):
            if name not in sums:
                yield FolderProblem(where=name, kind="extra", detail="the run did not write it")


def _photo(path: Path, line: ManifestLine, captions: list[str], *, unchanged: bool) -> Iterator[FolderProblem]:
    """Yield what is wrong with a published photo or its captions."""
    where = str(line.output)
    if unchanged or not line.linf:
        yield FolderProblem(where=where, kind="no-noise", detail="its pixels are those of the original")
    if any(line.trigger.casefold() not in caption.casefold() for caption in captions):
        yield FolderProblem(where=where, kind="no-trigger", detail=f"a caption lacks its words: {line.trigger}")
    try:
        _, told = metadata.examine(path)
    except DecodeError as error:
        yield FolderProblem(where=where, kind="unreadable", detail=f"{error.reason}: {error.detail}")
        return
    for one in told:
        if one.kind not in PUBLIC:
            yield FolderProblem(where=where, kind="private", detail=f"{one.kind}: {one.name} ({one.block})")


def _same_pixels(path: Path, original: Path | None, line: ManifestLine) -> bool | None:
    """Return whether a copy has the pixels of its original; None where that is gone, changed or of another size."""
    try:
        if original is None or files.sha256(original) != line.sha256_in:
            return None
        before, after = decode(original).pixels, decode(path).pixels
    except (OSError, DecodeError):
        return None
    return bool(np.array_equal(before, after)) if before.shape == after.shape else None


def _originals(layout: Layout) -> Path | None:
    """Return the folder of the originals, if the settings of the run can be read and it is still there."""
    try:
        return root_of(layout, read_as(layout.settings, parse_settings))
    except CheckpointError:
        return None


def _texts(folder: Path) -> dict[str, list[str]]:
    """Return the captions in metadata.jsonl by photo; those of the manifest stand where it has none.

    A file of the user's own may hold lists, or rows without a caption.
    """
    texts: dict[str, list[str]] = {}
    try:
        for row in map(json.loads, (folder / METADATA).read_text(encoding="utf-8").split("\n")[:-1]):
            if isinstance(row["text"], str) and row["text"].strip():
                texts.setdefault(row["file_name"], []).append(row["text"])
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}
    return texts
