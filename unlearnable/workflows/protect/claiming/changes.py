"""What of the posts has changed since an earlier run: photos that `--resume` would miss, or `--overwrite` take out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from unlearnable.config import ProtectSettings, digest
from unlearnable.datasets import Dataset
from unlearnable.errors import CheckpointError
from unlearnable.wording.counts import named
from unlearnable.wording.escapes import storable
from unlearnable.workflows.output.layout import Layout
from unlearnable.workflows.output.records import read_manifest
from unlearnable.workflows.protect.opening.stored import parsed

_NAMED = 3  # photos in a remark; the others are counted


def changed_since_stopped(layout: Layout, settings: ProtectSettings, dataset: Dataset) -> list[str]:
    """Return the photos that have changed or are gone since the unfinished run began; none if it is another run."""
    try:
        before = json.loads(layout.staged_posts.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return _changed(before, dataset.posts) if _same(layout.staged_settings, settings) else []


def changed_since_finished(layout: Layout, settings: ProtectSettings, dataset: Dataset) -> list[str]:
    """Return the photos that have changed or are gone since the complete run began; none if it is another run."""
    try:
        before = {line.source: line.post for line in read_manifest(layout.manifest) if line.post}
    except OSError:
        return []
    now = {storable(photo): post for photo, post in dataset.posts.items()}
    return _changed(before, now) if _same(layout.settings, settings) else []


def said_of_going(layout: Layout, dataset: Dataset) -> list[str]:
    """Return a remark where an earlier result, which is to be replaced, has copies of photos that are not taken now."""
    try:
        lines = [line for line in read_manifest(layout.manifest) if line.output]
    except (OSError, CheckpointError):  # none, or its records are damaged
        return []
    taken = {storable(photo.id) for photo in dataset.photos}
    going = [str(line.output) for line in lines if line.source not in taken]
    if not going:
        return []
    is_of, it_goes = ("is of", "it goes") if len(going) == 1 else ("are of", "they go")
    return [f"{named(going, _NAMED)} of the earlier result {is_of} no photo that is taken now: {it_goes}"]


def said_of_changed(photos: list[str]) -> str:
    """Return the beginning of a remark, such as "a.png and 3 more have changed or are gone"."""
    verb = "has changed or is gone" if len(photos) == 1 else "have changed or are gone"
    return f"{named(photos, _NAMED)} {verb}"


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [] if now.keys() - before.keys() else [photo for photo, post in before.items() if now.get(photo) != post]


def _same(file: Path, settings: ProtectSettings) -> bool:
    """Return whether the settings in a file name the same photos and lead to the same result."""
    try:
        saved = parsed(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    names, before = ({path.resolve().name for path in one.photos} for one in (settings, saved))
    return names == before and digest(saved) == digest(settings)
