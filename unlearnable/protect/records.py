"""The records of a run: read and written, compared with the published folder, and the last run for `verify`."""

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from pydantic import ValidationError

from unlearnable.errors import CheckpointError, ConfigError, InputError, OutputError
from unlearnable.imaging import metadata
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.models import bundled
from unlearnable.posts import is_word
from unlearnable.protect.layout import METADATA, Layout, layout_beside
from unlearnable.protect.posts import root_of
from unlearnable.report import FolderCheck, FolderProblem, ManifestLine, ProtectReport
from unlearnable.settings import ProtectSettings, absolute, to_toml
from unlearnable.storage import files
from unlearnable.storage.folders import state_folder
from unlearnable.wording import json_line, named, storable_within

Content = TypeVar("Content")
Sums = dict[str, set[str]]  # SHA-256 that each published file may have, by its path in the output folder
ANEW = "restore it from a backup, or protect all anew with `overwrite=True`"
NAMED = 5  # files in a message; the others are counted
LAST = "last-run.json"
PUBLIC = ("time", "camera")  # kinds of metadata that every copy may have


def read_record(path: Path) -> str:
    """Return the text of a record; names of files in it may be no text."""
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def read_as(path: Path, parse: Callable[[str], Content]) -> Content:
    """Return what `parse` makes of the text of a record."""
    try:
        return parse(read_record(path))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is gone, damaged, or of another version", hint=ANEW) from error


def read_report(layout: Layout) -> ProtectReport:
    """Return the report of a finished run, with its folders where they are now: they may have been moved since."""
    report = read_as(layout.report, ProtectReport.model_validate_json)
    folders = {"output": str(layout.output), "private": str(layout.private)}
    return report.model_copy(update=storable_within(folders))


def read_manifest(path: Path) -> list[ManifestLine]:
    """Return the lines of a manifest; those that cannot be read, as of another version, are left out."""
    return parse_manifest(read_record(path))


def parse_manifest(text: str) -> list[ManifestLine]:
    """Return the lines in the text of a manifest, as `read_manifest`."""
    lines = []
    for line in text.split("\n"):
        with suppress(ValidationError):
            lines.append(ManifestLine.model_validate_json(line))
    return lines


def protected_lines(lines: Iterable[ManifestLine]) -> list[ManifestLine]:
    """Return the lines of a manifest that are of photos with a copy."""
    return [line for line in lines if line.output]


def manifest_text(lines: Iterable[ManifestLine]) -> str:
    """Return the text of a manifest."""
    return "".join(json_line(line.model_dump_json()) for line in lines)


def settings_text(settings: ProtectSettings) -> str:
    """Return the settings as `run.toml` holds them: what they say in whatever folder they are read."""
    return to_toml(whole(settings))


def parse_settings(text: str) -> ProtectSettings:
    """Return the settings in the text of a `run.toml`."""
    return ProtectSettings(**tomllib.loads(text))


def whole(settings: ProtectSettings) -> ProtectSettings:
    """Return the settings with absolute paths, also of models that are files; a word for a caption file stays."""
    changed: dict[str, object] = {"surrogate": tuple(map(_whole_name, settings.surrogate))}
    if is_word(settings.captions):
        changed["captions"] = settings.captions
    return absolute(settings).model_copy(update=changed)


def _whole_name(model: str) -> str:
    """Return the name of a model, with an absolute path where it is a file or a folder, or its weights are one."""
    if model in bundled.NAMES:
        return model
    if Path(model).exists():
        return str(Path(model).absolute())
    architecture, _, weights = model.partition(":")
    return f"{architecture}:{Path(weights).absolute()}" if weights and Path(weights).is_file() else model


def read_sums(layout: Layout) -> Sums:
    """Return the checksums of the published files; empty without a list."""
    return files.parse_sums(read_record(layout.sums)) if layout.sums.is_file() else {}


def sha256_of(path: Path) -> str:
    """Return the hex SHA-256 of a regular file; empty if there is none, or a link."""
    return files.sha256(path) if path.is_file() and not path.is_symlink() else ""


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
        raise in_the_way(foreign, f"{layout.output} holds files that this program did not make, or that have changed")


def in_the_way(paths: Iterable[str], reason: str) -> OutputError:
    """Return the error for files or folders of other origin where something is to be written."""
    hint = "move them elsewhere, or choose another `output`"
    return OutputError(f"{reason}: {named(sorted(paths), NAMED)}", hint=hint)


def refuse_both(*, resume: bool, overwrite: bool, add: bool = False) -> None:
    """Refuse what contradicts each other: to continue a run, to replace its result and to add to it."""
    asked = [name for name, given in (("add", add), ("resume", resume), ("overwrite", overwrite)) if given]
    if len(asked) > 1:
        hint = "the same `add=True` continues one that was stopped" if asked == ["add", "resume"] else "use one of them"
        raise ConfigError(f"`{asked[0]}=True` and `{asked[1]}=True` exclude each other", hint=hint)


def finished_report(layout: Layout, key: str) -> ProtectReport | None:
    """Return the report of the finished run of this key, whole as it was published; None if none has this key."""
    if not layout.report.is_file() or (report := read_report(layout)).run != key:
        return None
    broken = [str(path) for path in layout.records if not path.is_file()]
    broken += [name for name, digests in read_sums(layout).items() if sha256_of(layout.output / name) not in digests]
    if broken:
        raise CheckpointError(
            f"{layout.output} cannot be resumed: {named(broken, NAMED)} are not as the run wrote them",
            hint="restore them from a backup, or remove them and protect all anew with `overwrite=True`",
        )
    return report


def can_resume(layout: Layout, key: str, *, resume: bool, overwrite: bool) -> bool:
    """Return whether a stopped run of this key is to be continued; refuse folders that may not be written to."""
    if overwrite:
        refuse_foreign(layout)
        return False
    under_way = layout.key_under_way()
    if resume and under_way == key:
        return True
    if resume and (under_way or layout.report.is_file()):
        raise CheckpointError(
            f"{layout.private} holds a {'stopped' if under_way else 'finished'} run of other settings or photos",
            hint="use the same settings and photos, `add=True` for new photos, or `overwrite=True` to start over",
        )
    if used := _used(layout, to_resume=resume):
        hint = "use `resume=True` to continue a stopped run, `add=True` for new photos, `overwrite=True` to replace it"
        raise OutputError(f"{used} exists already", hint=f"{hint}, or choose another `output`")
    return False


def _used(layout: Layout, *, to_resume: bool) -> Path | None:
    """Return the folder of the two that holds anything but what a run was writing when it was killed."""
    if layout.output.is_dir() and not all(map(files.is_temporary, layout.output.iterdir())):
        return layout.output
    there = layout.private.iterdir() if layout.private.is_dir() and not to_resume else ()
    passing = (layout.lock, layout.scratch)
    return layout.private if any(not (path in passing or files.is_temporary(path)) for path in there) else None


@dataclass(frozen=True)
class Remembered:
    """The folders of originals and protected copies."""

    originals: Path
    protected: Path
    captions: Path | None  # of the originals, if known, or their folder where it was given as such
    reason: str  # how the pair was found


def remember(photos: Path, captions: Path | None, output: Path) -> None:
    """Record a run as the last one."""
    files.check_writable(state_folder())
    if captions is not None and captions.exists():  # not for a word such as `people`
        captions = captions.absolute()
    last = {"photos": str(photos), "captions": None if captions is None else str(captions), "output": str(output)}
    files.write_text(state_folder() / LAST, json.dumps(last) + "\n")


def pair_to_verify(originals: Path | None) -> Remembered:
    """Return the folders for `verify` if not both are given: those of the last run, or a pair in the current folder."""
    last = _last()
    if last and (originals is None or originals.absolute() in (last.originals, last.captions)):
        return last
    if originals is not None and not originals.exists():
        raise files.missing(originals)
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


def check(folder: Path) -> FolderCheck:
    """Compare a protected folder with its manifest, its list of checksums and, where they are left, the originals."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint="give the folder that protect wrote")
    layout = layout_beside(folder)
    if lost := [path for path in (layout.sums, layout.manifest) if not path.is_file()]:
        hint = f"give the folder that protect wrote, with its private folder {layout.private.name} beside it"
        raise InputError(f"{folder} is not an unlearnable output folder: {lost[0]} is missing", hint=hint)
    sums, lines = read_sums(layout), protected_lines(read_manifest(layout.manifest))
    problems = [*_record_problems(layout, len(lines)), *_file_problems(layout.output, sums)]
    originals, texts, compared = _originals(layout), _published_texts(layout.output), 0
    for line in lines:
        name = str(line.output)
        if not (layout.output / name).is_file():
            continue
        original = originals / line.source if originals else None
        same = _same_pixels(layout.output / name, original, line)
        compared += same is not None
        problems += _photo_problems(layout.output / name, line, texts.get(name, line.captions), unchanged=bool(same))
    return FolderCheck(folder=str(folder), files=len(sums), photos=len(lines), compared=compared, problems=problems)


def _record_problems(layout: Layout, photos: int) -> Iterator[FolderProblem]:
    """Yield what is wrong with the report, which a run writes last: without it, nothing can be added to the folder."""
    if layout.key_under_way() is not None and not layout.report.is_file():
        detail = f"the run did not come to its end; use {layout.continued_by}"
        yield FolderProblem(where=".", kind="unfinished", detail=detail)
        return
    try:
        listed = read_report(layout).protected
    except CheckpointError as error:
        kind: Literal["changed", "missing"] = "changed" if layout.report.is_file() else "missing"
        yield FolderProblem(where=".", kind=kind, detail=f"{error.message}; {error.hint}")
        return
    if photos < listed:
        detail = f"{layout.manifest} lists {photos} of {listed} photos; {ANEW}"
        yield FolderProblem(where=".", kind="changed", detail=detail)


def _file_problems(folder: Path, sums: Mapping[str, set[str]]) -> Iterator[FolderProblem]:
    """Yield the files that are gone, that have changed, and that the run did not write."""
    for name, digests in sums.items():
        now = sha256_of(folder / name)
        if not now:
            yield FolderProblem(where=name, kind="missing", detail="the run wrote it, and it is gone")
        elif now not in digests:
            yield FolderProblem(where=name, kind="changed", detail="it is not as the run wrote it")
    for name in (path.relative_to(folder).as_posix() for path in files.files_below(folder)):
        if name not in sums and ".private/" in name:
            yield FolderProblem(where=name, kind="private", detail="in a private folder, which must not be published")
        elif name not in sums:
            yield FolderProblem(where=name, kind="extra", detail="the run did not write it")


def _photo_problems(path: Path, line: ManifestLine, captions: list[str], *, unchanged: bool) -> Iterator[FolderProblem]:
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


def _published_texts(folder: Path) -> dict[str, list[str]]:
    """Return the captions in metadata.jsonl by photo; a file of the user's own may hold lists, or no captions."""
    texts: dict[str, list[str]] = {}
    try:
        for row in map(json.loads, read_record(folder / METADATA).splitlines()):
            if isinstance(row["text"], str) and row["text"].strip():
                texts.setdefault(row["file_name"], []).append(row["text"])
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}
    return texts
