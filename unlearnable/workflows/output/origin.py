"""Who made a private folder: its files are looked into, as those of another program may have the same names."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from unlearnable.disk import entries
from unlearnable.workflows.output.layout import Layout, Records

_HOLDER = re.compile(r"process \d+ on .* since ")
_KEY = re.compile(r"[0-9a-f]{64}\n?")
_OF_SETTINGS = {"photos", "method", "surrogate", "seed"}  # names that all versions of this program write
_OF_REPORT = {"output", "private", "run", "caption_format"}
_OF_LINE = {"source", "output", "sha256_in", "status"}


def is_held(layout: Layout) -> bool:
    """Return whether a process wrote that it holds the folders, also one that was killed since."""
    return _HOLDER.match(_text(layout.holder)) is not None


def is_of_a_run(layout: Layout) -> bool:
    """Return whether a run left records in the private folder, finished or not: also damaged or of another version."""
    return _has_records(layout) or _has_records(layout.kept) or _is_under_way(layout)


def _has_records(records: Records) -> bool:
    return (
        _is_object(_text(records.report), _OF_REPORT)
        or _is_object(_text(records.manifest).partition("\n")[0], _OF_LINE)
        or _are_settings(_text(records.settings))
    )


def _is_under_way(layout: Layout) -> bool:
    """Return whether the folder of an unfinished run is one: what a kill left of it holds its settings."""
    return _KEY.fullmatch(_text(layout.key)) is not None or _are_settings(_text(layout.staged_settings))


def _are_settings(text: str) -> bool:
    try:
        return tomllib.loads(text).keys() >= _OF_SETTINGS
    except ValueError:
        return False


def _is_object(text: str, names: set[str]) -> bool:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() >= names


def _text(path: Path) -> str:
    """Return the text of a file, whatever it holds; empty if there is none."""
    try:
        with entries.open_regular(path) as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
