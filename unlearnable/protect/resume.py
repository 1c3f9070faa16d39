"""What an earlier run left, finished or stopped: whether a run goes on with it, mends it, or may replace it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from unlearnable.config import ProtectSettings, digest
from unlearnable.datasets import Dataset
from unlearnable.errors import CheckpointError
from unlearnable.progress.reporting import Progress
from unlearnable.protect import published
from unlearnable.protect.claim import clear, refuse_existing_output
from unlearnable.protect.layout import Layout
from unlearnable.protect.records import ANEW, read_manifest, read_report, refuse_incomplete
from unlearnable.protect.stored import parsed, run_key
from unlearnable.results import ProtectReport
from unlearnable.wording.counts import named
from unlearnable.wording.escapes import storable

_NAMED = 3  # files or photos in a message; the others are counted


def without_new(settings: ProtectSettings, dataset: Dataset, layout: Layout, progress: Progress) -> Dataset:
    """Return the posts without photos that came since the finished run, where files of it have to be made again.

    These can be made of its own posts alone. Where nothing is to be made again, or these are not the posts of that
    run, all posts are returned.

    Raises:
        CheckpointError: a record of the finished run is damaged.
    """
    if not (layout.report.is_file() and layout.manifest.is_file()):
        return dataset
    known = {line.source for line in read_manifest(layout.manifest) if line.post}
    new = [photo.id for photo in dataset.photos if storable(photo.id) not in known]
    if not new or not published.damaged(layout):
        return dataset
    before = dataset.of({photo.id for photo in dataset.photos} - set(new))
    if run_key(settings, before) != read_report(layout).run:
        return dataset
    was, it = ("was", "it") if len(new) == 1 else ("were", "them")
    progress.note(f"{named(new, _NAMED)} {was} not in this run: use --add afterwards to protect {it}")
    return before


def finished_report(
    settings: ProtectSettings, dataset: Dataset, layout: Layout, key: str, progress: Progress
) -> ProtectReport | None:
    """Return the report of the complete run that would be resumed, or None if there is none.

    Photos that have changed since are no reason to touch a complete result.

    Raises:
        CheckpointError: the complete run had other settings or photos, or one of its records is damaged or lost, or
            files have to be made again of photos that have changed: each copy would be another one, and those of
            photos that are gone would go.
    """
    if not layout.report.is_file():
        if layout.key_under_way() is None and any(path.is_file() for path in layout.records):
            raise CheckpointError(f"{layout.report} of the finished run is gone, so nothing is resumed", hint=ANEW)
        return None
    report = read_report(layout)
    if layout.key_under_way() not in (None, report.run):
        return None  # the unfinished run is to replace the complete one
    refuse_incomplete(layout, report)
    if report.run != key:
        if not (changed := _changed_since_finished(layout, settings, dataset)):
            what = "run of other settings or photos"
            if not report.is_of_one_run:
                what = "result that --add added to, which cannot be resumed"
            raise CheckpointError(
                f"{layout.private} holds a finished {what}",
                hint="use --add if photos are to be added, or --overwrite to start over",
            )
        said = f"{_said_of_changed(changed)} since this run began"
        if broken := published.damaged(layout):
            lost = named([str(layout.output / name) for name in broken], _NAMED)
            back = "put the photos back as they were, or " if report.is_of_one_run else ""
            raise CheckpointError(
                f"{said}, so {lost} cannot be made again", hint=f"{back}protect all anew with --overwrite"
            )
        progress.note(f"{said}: --overwrite protects the photos as they are")
    return report


def is_intact(layout: Layout, progress: Progress) -> bool:
    """Return whether a complete run needs no work, after checking each published file.

    The report stays until all is made again: a kill leaves it to be resumed.

    Raises:
        OutputError: some have changed, perhaps by the user.
    """
    sums, broken = published.read_sums(layout), published.damaged(layout)
    if not broken:
        clear(layout)
        return True
    published.refuse_changed(layout, broken)
    progress.note(f"{len(broken)} of {len(sums)} published files are missing and are made again")
    return False


def goes_on(
    settings: ProtectSettings,
    dataset: Dataset,
    layout: Layout,
    key: str,
    progress: Progress,
    *,
    resume: bool,
    overwrite: bool,
) -> bool:
    """Return whether a stopped run is continued, once nothing forbids to write to its folders.

    One to resume whose photos have changed since begins again with the others, which is said.

    Raises:
        OutputError: as of `refuse_existing_output`; or files to overwrite are not those that this program wrote.
        CheckpointError: as of `refuse_existing_output`.
    """
    if resume and layout.key_under_way() is None and not layout.report.is_file():
        progress.note(f"nothing to resume in {layout.private}: this is a new run; if you expected one, check --output")
    changed = _changed_since_stopped(layout, settings, dataset) if resume else []
    if changed:
        said = _said_of_changed(changed)
        progress.note(f"{said} since the run was stopped: it begins anew with the photos as they are")
    continues = resume and not changed
    refuse_existing_output(layout, key, resume=continues, overwrite=overwrite or bool(changed))
    if overwrite:
        published.refuse_foreign(layout)
    return continues


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


def _changed_since_stopped(layout: Layout, settings: ProtectSettings, dataset: Dataset) -> list[str]:
    """Return the photos that have changed or are gone since the unfinished run began; none if it is another run."""
    try:
        before = json.loads(layout.staged_posts.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return _changed(before, dataset.posts) if _same(layout.staged_settings, settings) else []


def _changed_since_finished(layout: Layout, settings: ProtectSettings, dataset: Dataset) -> list[str]:
    """Return the photos that have changed or are gone since the complete run began; none if it is another run."""
    try:
        before = {line.source: line.post for line in read_manifest(layout.manifest) if line.post}
    except OSError:
        return []
    now = {storable(photo): post for photo, post in dataset.posts.items()}
    return _changed(before, now) if _same(layout.settings, settings) else []


def _said_of_changed(photos: list[str]) -> str:
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
