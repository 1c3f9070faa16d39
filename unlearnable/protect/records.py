"""The records of a run: settings and run key, manifest, report, and the last run for `verify`."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from unlearnable.errors import CheckpointError, InputError
from unlearnable.methods import METHODS
from unlearnable.methods.base import settings_for
from unlearnable.methods.triggers import words_digest
from unlearnable.models import bundled
from unlearnable.models.openclip import files_of
from unlearnable.posts import Dataset, is_word
from unlearnable.protect.layout import Records
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.settings import ProtectionSettings, ProtectSettings, absolute, digest, to_toml
from unlearnable.storage import files
from unlearnable.storage.folders import state_folder
from unlearnable.wording import json_line, storable_within

Content = TypeVar("Content")
ANEW = "restore it from a backup, or protect all anew with `overwrite=True`"


def read_record(path: Path) -> str:
    """Return the text of a record.

    Raises:
        OSError: it cannot be read.
    """
    return path.read_bytes().decode("utf-8", "surrogateescape")  # names of files may be no text


def read_as(path: Path, parse: Callable[[str], Content]) -> Content:
    """Return what `parse` makes of the text of a record."""
    try:
        return parse(read_record(path))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is gone, damaged, or of another version", hint=ANEW) from error


def read_report(records: Records) -> ProtectReport:
    """Return the report of a finished run, with its folders where they are now: they may have been moved since."""
    report = read_as(records.report, ProtectReport.model_validate_json)
    folders = {"output": str(records.output), "private": str(records.private)}
    return report.model_copy(update=storable_within(folders))


def read_manifest(path: Path) -> list[ManifestLine]:
    """Return the lines of a manifest; those that cannot be read, as of another version, are left out.

    Raises:
        OSError: it cannot be read.
    """
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
    return [line for line in lines if line.status == "protected"]


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
    changed: dict[str, object] = {
        "surrogate": tuple(map(_whole_name, settings.surrogate)),
    }
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


def run_key(settings: ProtectSettings, dataset: Dataset) -> str:
    """Return the run key: a hash of settings, words, data, and files of models that are given by their path."""
    models = (files.sha256(path) for name in all_models(settings) for path in files_of(name))
    parts = [digest(whole(settings)), dataset.fingerprint, words_digest(settings.hyperparameters), *models]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def all_models(settings: ProtectionSettings) -> list[str]:
    """Return the names of all models that a run of these settings loads."""
    return [*settings.surrogate, *settings_for(METHODS[settings.method], settings.hyperparameters).proxies]


LAST = "last-run.json"


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
    """Return the folders for `verify` if not both are given: those of the last run, or a pair in the current folder.

    Raises:
        InputError: there is no such pair.
    """
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
