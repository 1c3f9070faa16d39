"""The result that an earlier run left, as `--add` finds it: complete and unchanged, or it is not added to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unlearnable.errors import CheckpointError, ConfigError, OutputError
from unlearnable.posts import is_word
from unlearnable.protect import publish
from unlearnable.protect.layout import TEXTS, Layout, Records
from unlearnable.protect.posts import places_of, root_of
from unlearnable.protect.records import (
    ANEW,
    captions_from,
    parsed,
    protected_lines,
    read_as,
    read_manifest,
    read_report,
    refuse_incomplete,
    whole,
)
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.settings import OUTSIDE_THE_DIGEST, ProtectSettings, given_settings, resolve_as
from unlearnable.storage import files
from unlearnable.wording import storable


@dataclass(frozen=True)
class Earlier:
    """An earlier result.

    Attributes:
        records: its records, see `records_of`.
        root: folder of its originals.
        settings: its settings.
        report: its report.
        lines: its manifest.
        sums: SHA-256 of each published file.
    """

    records: Records
    root: Path
    settings: ProtectSettings
    report: ProtectReport
    lines: list[ManifestLine]
    sums: publish.Sums

    @property
    def is_aside(self) -> bool:
        """Whether its records lie aside, where an `--add` that was stopped while it put files in place left them."""
        return not isinstance(self.records, Layout)

    @property
    def protected(self) -> list[ManifestLine]:
        """The manifest lines of the photos that have a copy."""
        return protected_lines(self.lines)

    @property
    def texts(self) -> list[str]:
        """The names of the published files that are no photos."""
        return sorted(self.sums.keys() - {line.output for line in self.protected})

    def text(self, name: str) -> Path:
        """Return the file of a published text, as the earlier run wrote it."""
        return self.records.private / TEXTS / name

    def source_of(self, root: Path, photo: str) -> str:
        """Return what the manifest calls a photo of a folder: its path from the folder of the earlier originals."""
        if root.resolve() == self.root:
            return storable(photo)
        path = root.resolve() / photo
        try:
            return storable(Path(os.path.relpath(path, self.root)).as_posix())
        except ValueError:  # on another drive
            return storable(path.as_posix())


def records_of(layout: Layout) -> Records:
    """Return the records of the earlier result.

    An addition that was stopped while it put its files in place left them in a folder of their own.

    Raises:
        OutputError: there is no earlier result.
        CheckpointError: a run that added nothing was stopped there.
    """
    if layout.key_under_way() is not None and not layout.kept.report.is_file():
        raise CheckpointError(
            f"{layout.private} holds a stopped run", hint="finish it with `resume=True` first, then use `add=True`"
        )
    for records in (layout, layout.kept):
        if records.report.is_file():
            return records
    raise OutputError(
        f"there is no earlier result in {layout.output} to add to", hint="run it without `add=True` first"
    )


def settings_of(records: Records) -> ProtectSettings:
    """Return the settings of the earlier run.

    Raises:
        CheckpointError: they are missing, damaged, or of another version.
    """
    return read_as(records.settings, parsed)


def earlier_result(layout: Layout) -> Earlier:
    """Return the earlier result of the folders.

    Raises:
        OutputError: there is none.
        CheckpointError: its records or published files are missing or damaged.
    """
    records = records_of(layout)
    report = read_report(records)
    lines = read_as(records.manifest, lambda _: read_manifest(records.manifest))
    refuse_incomplete(records, report)
    sums = read_as(records.sums, lambda _: publish.read_sums(records))
    settings = settings_of(records)
    earlier = Earlier(records, root_of(layout, settings), settings, report, lines, sums)
    _refuse_damaged(layout, earlier)
    return earlier


def keep_records(layout: Layout, earlier: Earlier, scratch: Path) -> Earlier:
    """Copy the records and texts of the earlier result aside, which an `--add` that was stopped goes on from."""
    kept = replace(earlier, records=layout.kept)
    if earlier.is_aside or _is_same(layout.kept.report, layout.report):
        return kept
    aside = scratch / "earlier"
    with files.reporting_write_errors(layout.earlier):
        (aside / TEXTS).mkdir(parents=True)
        for path in (*layout.records, layout.report):
            if path.is_file():
                shutil.copyfile(path, aside / path.name)
        for name in earlier.texts:
            (aside / TEXTS / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(layout.output / name, aside / TEXTS / name)
        shutil.rmtree(layout.earlier, ignore_errors=True)
        aside.rename(layout.earlier)
        files.sync_folder(layout.private)
    return kept


def _is_same(kept: Path, live: Path) -> bool:
    return kept.is_file() and kept.read_bytes() == live.read_bytes()


def _refuse_damaged(layout: Layout, earlier: Earlier) -> None:
    """Stop unless each published file is as it was written; texts may be the new ones already."""
    now = publish.read_sums(layout)
    listed = {str(line.output): {str(line.sha256_out)} for line in earlier.protected}
    for name, digests in {**earlier.sums, **listed}.items():
        path = layout.output / name
        found = publish.sha256_of(path)
        if found not in digests and (not found or name in listed or found not in now.get(name, ())):
            raise CheckpointError(f"{path} is not as the earlier run wrote it, so nothing is added", hint=ANEW)


WHICH_POSTS = frozenset({"captions", "only", "skip"})
FREE = OUTSIDE_THE_DIGEST | WHICH_POSTS | {"name"}
"""Settings that may differ from those of the earlier run: which posts are taken, where, on what device, more names."""


def continued(flags: Mapping[str, Any], file: Path | None = None) -> ProtectSettings:
    """Return the settings of an `--add`; arguments are those of `config.resolve_as`.

    What says which posts are taken is that of the earlier run where its folder is given again. Names that
    `--names` changes join those of before.

    Raises:
        ConfigError: a setting contradicts the earlier run, does not exist or does not fit.
        OutputError: there is no earlier result.
        CheckpointError: its settings are damaged.
    """
    asked = resolve_as(ProtectSettings, flags, file)
    _, sources = given_settings(ProtectSettings, flags, file)
    _, layout = places_of(asked)
    before = settings_of(records_of(layout))
    whole_asked, whole_before = whole(asked), whole(before)
    for name, source in sources.items():
        now, was = getattr(whole_asked, name), getattr(whole_before, name)
        if name not in FREE and now != was:
            raise ConfigError(
                f"{source or f'`{name}`'}: the earlier result was made with {_said(was)}, not {_said(now)}",
                hint="leave it out, or protect all anew with `overwrite=True`",
            )
    own = {"photos", "output"} | (sources.keys() & FREE)
    root = root_of(layout, before)
    before = before.model_copy(update={"captions": captions_from(root, before)})
    if layout.photos != root or _is_gone(before.captions):
        own |= WHICH_POSTS
    taken = {name: getattr(asked, name) for name in own & ProtectSettings.model_fields.keys()}
    both = tuple(dict.fromkeys([*before.name, *asked.name]))
    return before.model_copy(update={**taken, "name": both})


def _is_gone(captions: Path | None) -> bool:
    """Return whether the caption file of the earlier run is not there any more."""
    return captions is not None and not captions.exists() and not is_word(captions)


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
