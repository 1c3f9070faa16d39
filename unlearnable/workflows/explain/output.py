"""Where the figures of `explain` and its report lie: what may be replaced, and all of them or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unlearnable.config import ExplainSettings
from unlearnable.disk import entries, files, locks
from unlearnable.errors import ConfigError, OutputError
from unlearnable.report.figures import KINDS
from unlearnable.results import ExplainReport
from unlearnable.workflows.output.refusal import refuse_published

ATTENTION, MAP, REPORT, LOCK = "attention", "map", "explain.json", ".lock"
FIGURES = frozenset(f"{stem}.{kind}" for stem in (ATTENTION, MAP) for kind in KINDS)
START = b'{\n  "schema_version": '  # of a report
NEW = ".new.partial.d"  # `files.is_temporary` knows it, should a kill leave it


def refuse_output(settings: ExplainSettings, *, overwrite: bool) -> None:
    """Refuse a folder that holds anything, but for what a run which was killed did not finish.

    Raises:
        ConfigError: the folder lies in one that is read, or the photo has the place of a figure.
        OutputError: it exists already or would be published, or a file would be replaced that no run wrote.
    """
    folder = settings.output
    entries.refuse_among(folder, *settings.map)
    refuse_published(folder / REPORT)
    if settings.photo and (photo := settings.photo.resolve()).name in FIGURES and photo.parent == folder.resolve():
        raise ConfigError(f"{settings.photo} has the place of a figure in the output", hint="choose another --output")
    if overwrite and folder.is_dir():
        _refuse_others(settings)
    if overwrite or not folder.exists():
        return
    there = [] if folder.is_file() else [path for path in folder.iterdir() if not files.is_temporary(path)]
    if folder.is_file() or any(path.name != LOCK for path in there):
        raise entries.exists_already(folder)


def _refuse_others(settings: ExplainSettings) -> None:
    """Stop where a file would be replaced that is no report, or a figure no report tells of, also of a stopped run."""
    folder, drawn = settings.output, {ATTENTION: bool(settings.photo), MAP: bool(settings.map)}
    reports = [report for one in (folder, folder / NEW) if (report := _report_in(one / REPORT))]
    own = {ATTENTION: any(one.explanations for one in reports), MAP: any(one.maps for one in reports)}
    replaced = [name for name in sorted(FIGURES) if drawn[(stem := Path(name).stem)] and not own[stem]]
    if _report_in(folder / REPORT) is None:
        replaced.append(REPORT)
    for name in replaced:
        if os.path.lexists(folder / name):
            _refuse_damaged(folder / REPORT)
            hint = "move it elsewhere, or choose another --output"
            raise OutputError(f"{folder / name} was not made by this command", hint=hint)


def _refuse_damaged(report: Path) -> None:
    """Stop at a report that is cut short or empty, with what goes on without it: what it told of cannot be known.

    Raises:
        OutputError: it is one.
    """
    try:
        with entries.open_regular(report) as file:
            found = file.read()
    except OSError:
        return
    if found.startswith(START[: len(found)]) and _report_in(report) is None:
        hint = f"move {report.parent} elsewhere, or choose another --output"
        raise OutputError(f"{report} is damaged, so that nobody knows which files an earlier run drew", hint=hint)


@contextmanager
def all_or_none(folder: Path) -> Iterator[Path]:
    """Hold the folder, and yield one in it for what is written, which is moved up after the block unless that fails.

    So the same command can be given again, and figures of an earlier run stay beside their own numbers: those that are
    not drawn again go first, then the numbers, which name them, and the new numbers come last, so that a kill leaves
    none beside figures of another run.

    Raises:
        OutputError: the folder cannot be made or written, or another run is writing to it.
    """
    new = folder / NEW
    with locks.held(folder, folder / LOCK, "run of explain"):
        shutil.rmtree(new, ignore_errors=True)  # of a run that was killed
        try:
            yield new
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        _move_up(new, folder)


def _move_up(new: Path, folder: Path) -> None:
    """Put what was drawn in place; where that is stopped, the new numbers still tell whose the figures are."""
    drawn = {path.name for path in new.iterdir()}
    for name in [*(name for name in figures_in(folder / REPORT) if name not in drawn), REPORT]:
        with files.reporting_write_errors(folder / name):
            (folder / name).unlink(missing_ok=True)
    for path in sorted(new.iterdir(), key=lambda path: path.name == REPORT):
        with files.reporting_write_errors(folder / path.name):
            path.replace(folder / path.name)
    shutil.rmtree(new, ignore_errors=True)


def figures_in(report: Path) -> list[str]:
    """Return the figures that the report of an earlier run names; none if it cannot be read or names other files."""
    found = _report_in(report)
    return sorted(set(found.files) & FIGURES) if found else []


def _report_in(path: Path) -> ExplainReport | None:
    try:
        with entries.open_regular(path) as file:
            return ExplainReport.model_validate_json(file.read())
    except (OSError, ValueError):
        return None
