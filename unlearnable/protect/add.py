"""Protect the posts that an earlier result lacks, and append them to it."""

import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnable.errors import CheckpointError, ConfigError, OutputError
from unlearnable.methods.optimise import optimise
from unlearnable.posts import Dataset, Skipped, is_word
from unlearnable.posts.names import numbers_of_people
from unlearnable.protect import records
from unlearnable.protect.layout import METADATA, Layout, clear, create_folders, held
from unlearnable.protect.posts import open_posts, places_of, root_of
from unlearnable.protect.publish import Staged, place, publish, stage
from unlearnable.protect.read import load_all, read
from unlearnable.protect.records import ANEW, Sums, protected_lines, read_as
from unlearnable.protect.write import figures_of, skipped_lines, variety
from unlearnable.report import CHANGED, ManifestLine, ProtectReport, SkippedRecord
from unlearnable.settings import OUTSIDE_THE_DIGEST, ProtectSettings, given_settings, resolve_as, to_toml
from unlearnable.storage import files
from unlearnable.storage.progress import Progress, Silent
from unlearnable.wording import counted, storable

FREE = OUTSIDE_THE_DIGEST | {"captions", "only", "skip", "name"}  # settings that may differ from the earlier run's


def add(settings: ProtectSettings, *, progress: Progress | None = None) -> ProtectReport:
    """Protect the posts that an earlier result lacks, and append them to it; the same call continues a stopped one."""
    started, progress = time.monotonic(), progress or Silent()
    source, layout = places_of(settings)
    with held(layout) as scratch:
        earlier = earlier_result(layout)
        there = open_posts(source, settings, progress)
        dataset = new_posts(there, earlier)
        if not dataset.photos:
            return _nothing_added(layout, dataset, earlier)
        progress.note(f"{len(dataset.photos)} of {counted(len(there.photos), 'photo')} to be added")
        lines = protected_lines(earlier.lines)
        people = numbers_of_people(there.captions_by_photo(), {line.source: line.person for line in lines})
        middle = next((line.middle_tint for line in lines if line.middle_tint), [])
        taken = _taken_names(layout, earlier)
        run = read(load_all(settings, progress), layout, dataset, scratch, progress, taken, people, middle)
        key = hashlib.sha256(f"{earlier.report.run} {run.key}".encode()).hexdigest()
        run = replace(run, key=key)
        resumed = layout.key_under_way() == key
        if not resumed:
            files.check_space(layout.private, run.bytes_needed)
        _keep_earlier(layout, earlier, scratch)
        stored = earlier.settings.model_copy(update={"name": settings.name})
        create_folders(layout, key, to_toml(stored), resume=resumed)
        session, trace = optimise(run.task, progress)
        run = replace(run, problem=session.problem)
        new = stage(run, session.state, trace.losses, started, progress)
        return publish(run, _joined(layout, earlier, new), progress)


@dataclass(frozen=True)
class Earlier:
    """An earlier result: complete and unchanged, or it is not added to."""

    kept: bool  # whether its records were left aside by an addition that was stopped
    settings: ProtectSettings
    report: ProtectReport
    lines: list[ManifestLine]
    sums: Sums


def earlier_result(layout: Layout) -> Earlier:
    """Return the earlier result of the folders."""
    before = _with_records(layout)
    report, settings = records.read_report(before), read_as(before.settings, records.parse_settings)
    sums, now = read_as(before.sums, files.parse_sums), records.read_sums(layout)
    lines = read_as(before.manifest, records.parse_manifest)
    protected = {str(line.output): {str(line.sha256_out)} for line in protected_lines(lines)}
    if min(len(protected), len(sums)) < report.protected:
        raise CheckpointError(f"{before.manifest} or {before.sums} lacks photos of the earlier run", hint=ANEW)
    for name, digests in {**sums, **protected}.items():
        found = records.sha256_of(layout.output / name)
        is_new_text = name not in protected and found in now.get(name, ())  # of an addition that was stopped
        if not found or (found not in digests and not is_new_text):
            message = f"{layout.output / name} is not as the earlier run wrote it, so nothing is added"
            raise CheckpointError(message, hint=ANEW)
    return Earlier(before is not layout, settings, report, lines, sums)


def _with_records(layout: Layout) -> Layout:
    """Return the folders with the records of the earlier result; an addition that was stopped may have moved them."""
    kept = Layout(layout.output, layout.earlier, layout.photos)
    if layout.key_under_way() is not None and not kept.report.is_file():
        hint = "finish it with `resume=True` first, then use `add=True`"
        raise CheckpointError(f"{layout.private} holds a stopped run", hint=hint)
    for one in (layout, kept):
        if one.report.is_file():
            return one
    message = f"there is no earlier result in {layout.output} to add to"
    raise OutputError(message, hint="run it without `add=True` first")


def settings_to_add(flags: Mapping[str, Any], file: Path | None = None) -> ProtectSettings:
    """Return the settings of an addition, which are those of the earlier run; arguments are those of `resolve_as`."""
    asked = resolve_as(ProtectSettings, flags, file)
    _, sources = given_settings(ProtectSettings, flags, file)
    _, layout = places_of(asked)
    before = read_as(_with_records(layout).settings, records.parse_settings)
    given, kept = records.whole(asked), records.whole(before)
    if other := [name for name in sources.keys() - FREE if getattr(given, name) != getattr(kept, name)]:
        raise ConfigError(
            f"the earlier result was made with another {', '.join(f'`{name}`' for name in sorted(other))}",
            hint="leave it out, or protect all anew with `overwrite=True`",
        )
    root = root_of(layout, before)
    if root is not None and layout.photos != root:
        raise ConfigError(f"{layout.output} is of photos in {root}, not in {layout.photos}", hint="put new ones there")
    if str(before.captions) == "people":
        raise ConfigError("invented names would change: faces cannot be added", hint="use `overwrite=True`")
    own = {"photos", "output"} | (sources.keys() & FREE)
    is_gone = before.captions is not None and not before.captions.exists() and not is_word(before.captions)
    first = before.photos[0].resolve()
    if is_gone or layout.photos not in (first, first.parent):  # the folder was moved
        own |= {"captions", "only", "skip"}
    update = {name: getattr(asked, name) for name in own}
    return before.model_copy(update={**update, "name": tuple(dict.fromkeys([*before.name, *asked.name]))})


def new_posts(dataset: Dataset, earlier: Earlier) -> Dataset:
    """Return the posts whose photos the earlier result lacks, by name and content.

    A photo of a known name whose file has changed is listed as left out. A photo that the earlier run left out is new
    once it or its captions have changed.
    """
    lines = {line.source: line for line in earlier.lines}
    contents = {line.sha256_in for line in protected_lines(earlier.lines)}
    new, left_out = set[str](), []
    for photo in dataset.photos:
        line = lines.get(storable(photo.id))
        if photo.sha256() in contents:
            continue
        if line is not None and line.output:
            detail = f"{line.output} is a copy of it as it was; give it another name to add it"
            left_out.append(Skipped(photo.id, "changed-since", detail))
        elif line is None or line.reason == CHANGED or line.post != dataset.posts[photo.id]:
            new.add(photo.id)
    return dataset.of(new).lacking(left_out)


def _nothing_added(layout: Layout, dataset: Dataset, earlier: Earlier) -> ProtectReport:
    if earlier.kept:
        raise CheckpointError(
            f"an addition was stopped while it put photos into {layout.output}, and they are gone",
            hint="put them back and use `add=True` again, or protect all anew with `overwrite=True`",
        )
    clear(layout)
    now = list(map(SkippedRecord.of, dataset.skipped))
    skipped = _skipped(_joined_lines(earlier, skipped_lines(dataset, dataset.skipped), layout.photos), now)
    return earlier.report.model_copy(update={"added": 0, "skipped": skipped})


def _taken_names(layout: Layout, earlier: Earlier) -> set[str]:
    """Return the names that no new copy may have: of earlier files, and of those that somebody put beside them."""
    ours = records.read_sums(layout)
    there = (path.relative_to(layout.output).as_posix() for path in layout.output.rglob("*"))
    return {*earlier.sums, *(name for name in there if name not in ours)}


def _keep_earlier(layout: Layout, earlier: Earlier, scratch: Path) -> None:
    """Copy the records and texts of the earlier result aside, from which an addition that was stopped continues."""
    kept = layout.earlier / layout.report.name
    if earlier.kept or (kept.is_file() and kept.read_bytes() == layout.report.read_bytes()):
        return
    aside = scratch / layout.earlier.name
    texts = aside / layout.earlier_texts.name
    with files.reporting_write_errors(layout.earlier):
        texts.mkdir(parents=True)
        for path in layout.records:
            shutil.copyfile(path, aside / path.name)
        for name in earlier.sums.keys() - {line.output for line in earlier.lines}:
            (texts / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(layout.output / name, texts / name)
        shutil.rmtree(layout.earlier, ignore_errors=True)
        aside.rename(layout.earlier)
        files.sync_folder(layout.private)


def _join_files(layout: Layout, earlier: Earlier) -> list[str]:
    """Put the earlier files into the staging folder, and the new captions behind theirs; return notes."""
    notes = []
    for name in sorted(earlier.sums):
        before, target = layout.earlier_texts / name, layout.staged / name
        source = before if before.is_file() else layout.output / name
        if not target.exists():
            place(source, target, layout.swapping)
            continue
        both = _appended(name, source.read_bytes(), target.read_bytes())
        files.write_bytes(target, source.read_bytes() if both is None else both)
        if both is None:
            notes.append(f"{name} is as it was, as it cannot be continued; {METADATA} holds all captions")
    return notes


def _appended(name: str, before: bytes, new: bytes) -> bytes | None:
    """Return JSON lines, or a table of the same heading, with more behind them; None of other kinds of captions."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in (".csv", ".tsv"):
        heading, _, new = new.partition(b"\n")
        return before + new if before.startswith(heading + b"\n") else None
    return before + new if suffix in (".jsonl", ".ndjson") and not before.startswith(b"[") else None


def _joined(layout: Layout, earlier: Earlier, new: Staged) -> Staged:
    """Stage both results; losses, rounds, seconds and pictures are those of the new posts."""
    notes, lines = _join_files(layout, earlier), _joined_lines(earlier, new.lines, layout.photos)
    before, report = earlier.report, new.report
    protected = protected_lines(lines)
    were = "1 photo was" if report.protected == 1 else f"{report.protected} photos were"
    added = f"{were} added to the {before.protected} of before, whose files are as they were"
    update = {
        **figures_of(protected),
        "captions_file": before.captions_file or report.captions_file,
        "caption_format": before.caption_format,
        "photos": sum(line.post is not None for line in lines),
        "added": report.protected,
        "some_photos": before.some_photos or report.some_photos,
        "captions_found": before.captions_found + report.captions_found,
        "skipped": _skipped(lines, report.skipped),
        "triggers": variety([line.trigger for line in protected if line.trigger]),
        "notes": [added, *notes, *report.notes],
    }
    return Staged(report.model_copy(update=update), lines, new.pictures)


def _joined_lines(earlier: Earlier, new: Sequence[ManifestLine], photos: Path) -> list[ManifestLine]:
    """Return the manifest of both: protected photos, first those of before, then what is left out, each once."""
    protected = protected_lines([*earlier.lines, *new])
    still = [line for line in earlier.lines if line.post and (photos / line.source).is_file()]
    left_out = {line.source: line for line in [*still, *new] if not line.output}
    for line in protected:
        left_out.pop(line.source, None)
    return [*protected, *left_out.values()]


def _skipped(lines: Sequence[ManifestLine], new: Sequence[SkippedRecord]) -> list[SkippedRecord]:
    """Return what the manifest of both lists as left out, and what is left out now, each once."""
    before = (
        SkippedRecord(where=line.source, reason=line.reason or "", detail=line.detail or "")
        for line in lines
        if not line.output
    )
    return list({one.where: one for one in (*before, *new)}.values())
