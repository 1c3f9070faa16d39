"""Protect the posts that an earlier result lacks, and join both."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnable.errors import CheckpointError, ConfigError, OutputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.opening import DecodeError
from unlearnable.methods.optimise import optimise
from unlearnable.posts import Dataset, Photo, Skipped, is_word, named_as_told
from unlearnable.posts.names import plain, written
from unlearnable.protect.layout import METADATA, Layout, Records, clear
from unlearnable.protect.photo import refuse_changed, shows_another, target_of
from unlearnable.protect.posts import open_posts, places_of, root_of
from unlearnable.protect.publish import Staged, Sums, publish, read_sums, sha256_of, stage
from unlearnable.protect.read import Run, load_all, read, refuse_unmentioned
from unlearnable.protect.records import (
    ANEW,
    parse_manifest,
    parse_settings,
    protected_lines,
    read_as,
    read_report,
    whole,
)
from unlearnable.protect.resume import create_folders, held
from unlearnable.protect.summary import figures_of, variety
from unlearnable.protect.write import skipped_lines
from unlearnable.report import CHANGED, ManifestLine, ProtectReport, SkippedRecord
from unlearnable.report.pictures import ShownPhotos, Thumbnails, thumbnails
from unlearnable.settings import OUTSIDE_THE_DIGEST, ProtectSettings, given_settings, resolve_as, to_toml
from unlearnable.storage import files
from unlearnable.storage.progress import Progress, Silent
from unlearnable.wording import counted, named, storable

WHICH_POSTS = frozenset({"captions", "only", "skip"})
FREE = OUTSIDE_THE_DIGEST | WHICH_POSTS | {"name"}  # settings that need not be those of the earlier run
_NAMED = 3  # photos in a remark; the others are counted
_UTF8_MARK = b"\xef\xbb\xbf"


def add(settings: ProtectSettings, *, progress: Progress | None = None) -> ProtectReport:
    """Protect the posts that an earlier result lacks, and put both in its place; the same call continues a stopped one.

    Args:
        settings: those of the earlier run, see `settings_to_add`.
        progress: receives progress updates.

    Raises:
        InputError: no new photo can be protected.
        ModelError: a surrogate is not available, or the new posts would hardly be protected.
        OutputError: there is no earlier result, it cannot be written to, or another run is writing to it.
        CheckpointError: the earlier result is damaged, or a run that added nothing was stopped there.
    """
    started, progress = time.monotonic(), progress or Silent()
    source, layout = places_of(settings)
    with held(layout) as scratch:
        earlier = earlier_result(layout)
        layout = replace(layout, photos=earlier.root)  # wherever the new posts are
        there = _named_as_before(open_posts(source, settings, progress), earlier)
        dataset = new_posts(there, earlier, settings, progress)
        if not dataset.photos:
            return _nothing_added(layout, dataset, earlier)
        progress.note(f"{len(dataset.photos)} of {counted(len(there.photos), 'photo')} to be added")
        run = read(load_all(settings, progress), layout, dataset, scratch, progress, _taken_names(layout, earlier))
        refuse_unmentioned(run, earlier.settings.name)
        key = hashlib.sha256(f"{earlier.report.run} {run.key}".encode()).hexdigest()
        run = replace(run, key=key)
        resumed = layout.key_under_way() == key
        if not resumed:
            files.check_space(layout.private, run.bytes_needed)
        _keep_records(layout, earlier, scratch)
        stored = to_toml(earlier.settings.model_copy(update={"name": settings.name}))
        create_folders(layout, key, stored, resume=resumed)
        session, trace = optimise(run.task, progress)
        run = replace(run, problem=session.problem)
        new = stage(run, session.state, trace.losses, started, progress)
        return publish(run, _joined(run, new, earlier), progress)


@dataclass(frozen=True)
class Earlier:
    """An earlier result: complete and unchanged, or it is not added to."""

    records: Records
    root: Path  # folder of its originals
    settings: ProtectSettings
    report: ProtectReport
    lines: list[ManifestLine]
    sums: Sums

    @property
    def protected(self) -> list[ManifestLine]:
        """The manifest lines of the photos that have a copy."""
        return protected_lines(self.lines)

    def source_of(self, root: Path, photo: str) -> str:
        """Return what the manifest calls a photo of a folder: its path from the folder of the earlier originals."""
        if root.resolve() == self.root:
            return storable(photo)
        path = root.resolve() / photo
        try:
            return storable(Path(os.path.relpath(path, self.root)).as_posix())
        except ValueError:  # on another drive
            return storable(path.as_posix())


def earlier_result(layout: Layout) -> Earlier:
    """Return the earlier result of the folders."""
    records = _records(layout)
    report, settings = read_report(records), read_as(records.settings, parse_settings)
    lines, sums = read_as(records.manifest, parse_manifest), read_as(records.sums, files.parse_sums)
    earlier = Earlier(records, root_of(layout, settings) or layout.photos, settings, report, lines, sums)
    now, listed = read_sums(layout), {str(line.output): {str(line.sha256_out)} for line in earlier.protected}
    for path, names in ((records.manifest, listed), (records.sums, sums)):
        if len(names) < report.protected:
            raise CheckpointError(f"{path} lacks photos of the earlier run", hint=ANEW)
    for name, digests in {**sums, **listed}.items():
        found = sha256_of(layout.output / name)
        is_new_text = name not in listed and found in now.get(name, ())  # of an addition that was stopped
        if not found or (found not in digests and not is_new_text):
            message = f"{layout.output / name} is not as the earlier run wrote it, so nothing is added"
            raise CheckpointError(message, hint=ANEW)
    return earlier


def _records(layout: Layout) -> Records:
    """Return the records of the earlier result; an addition that was stopped may have left them aside."""
    if layout.key_under_way() is not None and not layout.kept.report.is_file():
        hint = "finish it with `resume=True` first, then use `add=True`"
        raise CheckpointError(f"{layout.private} holds a stopped run", hint=hint)
    for records in (layout, layout.kept):
        if records.report.is_file():
            return records
    message = f"there is no earlier result in {layout.output} to add to"
    raise OutputError(message, hint="run it without `add=True` first")


def settings_to_add(flags: Mapping[str, Any], file: Path | None = None) -> ProtectSettings:
    """Return the settings of an addition; arguments are those of `settings.resolve_as`.

    What says which posts are taken is that of the earlier run where its folder is given again. Names that
    `names` changes join those of before.

    Raises:
        ConfigError: a setting contradicts the earlier run, does not exist or does not fit.
        OutputError: there is no earlier result.
        CheckpointError: its settings are damaged.
    """
    asked = resolve_as(ProtectSettings, flags, file)
    _, sources = given_settings(ProtectSettings, flags, file)
    _, layout = places_of(asked)
    before = read_as(_records(layout).settings, parse_settings)
    whole_asked, whole_before = whole(asked), whole(before)
    for name, source in sources.items():
        now, was = getattr(whole_asked, name), getattr(whole_before, name)
        if name not in FREE and now != was:
            now, was = (", ".join(map(str, one)) if isinstance(one, tuple) else one for one in (now, was))
            raise ConfigError(
                f"{source or f'`{name}`'}: the earlier result was made with {was}, not {now}",
                hint="leave it out, or protect all anew with `overwrite=True`",
            )
    own = {"photos", "output"} | (sources.keys() & FREE)
    first, captions = before.photos[0].resolve(), before.captions
    is_gone = captions is not None and not captions.exists() and not is_word(captions)
    if layout.photos not in (first, first.parent) or is_gone:  # other photos, or moved ones
        own |= WHICH_POSTS
    names = tuple(dict.fromkeys([*before.name, *asked.name]))
    return before.model_copy(update={**{name: getattr(asked, name) for name in own}, "name": names})


def new_posts(dataset: Dataset, earlier: Earlier, settings: ProtectSettings, progress: Progress) -> Dataset:
    """Return the posts whose photos the earlier result lacks, and note copies that stay though their post changed."""
    known, new = _divide(dataset, earlier)
    pairs, bare = dataset.pairs_by_photo(), dataset.uncaptioned
    corrected = [
        photo
        for photo, line in known.items()
        if photo not in bare
        and line.post != dataset.posts[photo]
        and not all(any(pair.caption in text for text in line.captions) for pair in pairs[photo])
    ]
    here = {line.source for line in known.values()}
    gone = sorted(
        str(line.output)
        for line in earlier.protected
        if line.source not in here and not files.exists(earlier.root / line.source)
    )
    named_before = [
        line.source
        for line in earlier.protected
        if any(written(text, settings.name, settings.names) != text for text in line.captions)
    ]
    anew = "`overwrite=True` protects all anew"
    if 0 < len(gone) < len(earlier.protected):  # if all are gone, they may be on another disk
        progress.note(f"published, although the original is gone: {named(gone, _NAMED)}; {anew} without them")
    if corrected:
        progress.note(f"published with an earlier caption: {named(corrected, _NAMED)}; {anew}")
    if named_before:
        progress.note(f"published with a name that you want otherwise: {named(named_before, _NAMED)}; {anew}")
    return new


def _divide(dataset: Dataset, earlier: Earlier) -> tuple[dict[str, ManifestLine], Dataset]:
    """Return the photos that have a copy, by name or content, with their manifest lines; and the posts that are new.

    A photo of a known name that has other pixels now is listed as left out, and so is a second file of a known photo.
    A photo that the earlier run left out is new once it or its captions have changed.
    """
    by_name = {line.source: line for line in earlier.protected}
    by_content = {line.sha256_in: line for line in earlier.protected}
    left_before = {line.source: line for line in earlier.lines if line.status == "skipped"}
    known, new, left_out = dict[str, ManifestLine](), set[str](), []
    for photo in dataset.photos:
        name, content = earlier.source_of(dataset.root, photo.id), photo.sha256() or ""
        line, same, before = by_name.get(name), by_content.get(content), left_before.get(name)
        if line is not None and content == line.sha256_in:
            known[photo.id] = line
        elif same is not None and Photo(same.source, earlier.root / same.source).sha256() == content:
            left_out.append(Skipped(photo.id, "same-photo", f"{same.output} is its copy already"))
        elif same is not None:  # it was renamed
            known[photo.id] = same
        elif line is not None:
            if _is_another(photo, line, earlier):
                detail = f"{line.output} is a copy of it as it was; give it another name to add it"
                left_out.append(Skipped(photo.id, "changed-since", detail))
        elif before is None or before.reason == CHANGED or before.post != dataset.posts[photo.id]:
            new.add(photo.id)
    return known, dataset.of(new).lacking(left_out)


def _is_another(photo: Photo, line: ManifestLine, earlier: Earlier) -> bool:
    """Return whether a photo whose file has changed has other pixels now, or cannot be read."""
    try:
        return shows_another(photo.path, earlier.records.output / str(line.output), line)
    except DecodeError:
        return True


def _named_as_before(dataset: Dataset, earlier: Earlier) -> Dataset:
    """Return the posts of now: of faces, everyone under the invented name of the earlier captions, others under new."""
    if not dataset.people:
        return dataset
    known, _ = _divide(dataset, earlier)
    told = {photo: [*map(plain, line.captions)] for photo, line in known.items()}
    return named_as_told(dataset, told, (plain(text) for line in earlier.protected for text in line.captions))


def _nothing_added(layout: Layout, dataset: Dataset, earlier: Earlier) -> ProtectReport:
    if not isinstance(earlier.records, Layout):  # they were left aside
        raise CheckpointError(
            f"an addition was stopped while it put photos into {layout.output}, and they are gone",
            hint="put them back and use `add=True` again, or protect all anew with `overwrite=True`",
        )
    clear(layout)
    new = skipped_lines(dataset, dataset.skipped)
    skipped = _skipped(earlier, _joined_lines(earlier, dataset, new), list(map(SkippedRecord.of, dataset.skipped)))
    return earlier.report.model_copy(update={"added": 0, "skipped": skipped})


def _taken_names(layout: Layout, earlier: Earlier) -> set[str]:
    """Return the names that no new copy may have: of earlier files, and of those that somebody put beside them."""
    ours = read_sums(layout)
    there = (path.relative_to(layout.output).as_posix() for path in layout.output.rglob("*"))
    return {*earlier.sums, *(name for name in there if name not in ours)}


def _keep_records(layout: Layout, earlier: Earlier, scratch: Path) -> None:
    """Copy the records and texts of the earlier result aside, from which an addition that was stopped continues."""
    kept = layout.kept.report
    if not isinstance(earlier.records, Layout) or (kept.is_file() and kept.read_bytes() == layout.report.read_bytes()):
        return
    aside = scratch / layout.earlier.name
    texts = aside / layout.earlier_texts.name
    with files.reporting_write_errors(layout.earlier):
        texts.mkdir(parents=True)
        for path in layout.paths:
            shutil.copyfile(path, aside / path.name)
        for name in earlier.sums.keys() - {line.output for line in earlier.protected}:
            (texts / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(layout.output / name, texts / name)
        shutil.rmtree(layout.earlier, ignore_errors=True)
        aside.rename(layout.earlier)
        files.sync_folder(layout.private)


def _joined(run: Run, new: Staged, earlier: Earlier) -> Staged:
    """Join what is staged with the earlier result."""
    notes = _join_files(run, earlier, new.copies)
    lines = _joined_lines(earlier, run.dataset, new.lines)
    pictures = _joined_pictures(earlier, run.layout.output, new)
    return Staged(_joined_report(earlier, new.report, lines, notes), lines, pictures, new.copies)


def _join_files(run: Run, earlier: Earlier, copies: Sequence[str]) -> list[str]:
    """Put the earlier files into the staging folder, and the new captions behind theirs; return notes."""
    layout, aside, notes = run.layout, run.scratch / "new", []
    for name in sorted(earlier.sums):
        before, target = layout.earlier_texts / name, layout.staged / name
        clashes = target.is_file() and name not in copies
        if clashes:
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(target, aside / name)
        _link(before if before.is_file() else layout.output / name, target)
        if not clashes or (name != METADATA and run.dataset.format == "sidecar"):
            continue  # two photos share the text beside them: it stays that of the first
        both = _appended(name, before.read_bytes(), (aside / name).read_bytes())
        if both is None:
            notes.append(_put_beside(layout, earlier, name, aside / name))
        else:
            files.write_bytes(target, both)
    return notes


def _link(source: Path, target: Path) -> None:
    """Give a file another name, or copy it where the file system has no links."""
    if target.exists():
        return
    with files.reporting_write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy(source, target)


def _appended(name: str, before: bytes, new: bytes) -> bytes | None:
    """Return a file of JSON lines, or a table of the same heading, with another one behind it; None of other kinds."""
    start, new = before.removeprefix(_UTF8_MARK).lstrip(), new.removeprefix(_UTF8_MARK)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in (".csv", ".tsv"):
        heading, _, new = new.partition(b"\n")
        if heading.rstrip(b"\r") != start.partition(b"\n")[0].rstrip(b"\r") or b'"' in heading:
            return None
    elif suffix not in (".jsonl", ".ndjson") or start.startswith(b"["):
        return None
    return before + (b"" if before.endswith(b"\n") or not before else b"\n") + new


def _put_beside(layout: Layout, earlier: Earlier, name: str, new: Path) -> str:
    """Give a caption file that cannot be continued a number; return a note."""
    path, number, ours = PurePosixPath(name), 2, read_sums(layout)
    while (own := str(path.with_name(f"{path.stem}-{number}{path.suffix}"))) in earlier.sums or (
        os.path.lexists(layout.output / own) and own not in ours
    ):
        number += 1
    shutil.copy(new, layout.staged / own)
    return f"the captions of the added photos are in {own}, as {name} cannot be continued; {METADATA} holds all"


def _joined_lines(earlier: Earlier, dataset: Dataset, new: Sequence[ManifestLine]) -> list[ManifestLine]:
    """Return the manifest of both: protected photos, first those of before, then what is left out, each once."""
    new = [
        line.model_copy(update={"source": earlier.source_of(dataset.root, line.source)}) if line.post else line
        for line in new
    ]
    protected = [*earlier.protected, *protected_lines(new)]
    still = [line for line in earlier.lines if line.post and (earlier.root / line.source).is_file()]
    left_out = {line.source: line for line in [*still, *new] if line.status == "skipped"}
    for line in protected:
        left_out.pop(line.source, None)
    return [*protected, *left_out.values()]


def _joined_report(
    earlier: Earlier, new: ProtectReport, lines: Sequence[ManifestLine], notes: Sequence[str]
) -> ProtectReport:
    """Return the report of both; losses, rounds and seconds are those of the new posts."""
    before, protected = earlier.report, protected_lines(lines)
    were = "1 photo was" if new.protected == 1 else f"{new.protected} photos were"
    added = f"{were} added to the {before.protected} of before, whose files are as they were"
    kept = sum(one.trigger_roundtrip * one.captions for one in (before, new))
    return new.model_copy(
        update={
            **figures_of(protected),
            "captions_file": before.captions_file or new.captions_file,
            "caption_format": before.caption_format,
            "photos": len(protected) + sum(line.status == "skipped" and line.post is not None for line in lines),
            "added": new.protected,
            "some_photos": before.some_photos or new.some_photos,
            "captions_found": before.captions_found + new.captions_found,
            "skipped": _skipped(earlier, lines, new.skipped),
            "trigger_roundtrip": round(kept / (before.captions + new.captions), 4),
            "triggers": variety([line.trigger for line in protected]) if before.triggers and new.triggers else None,
            "notes": [added, *notes, *new.notes],
        }
    )


def _skipped(earlier: Earlier, lines: Sequence[ManifestLine], new: Sequence[SkippedRecord]) -> list[SkippedRecord]:
    """Return what either run left out, each once; of the earlier one, what the manifest of both still lists."""
    still = {line.source for line in lines if line.status == "skipped"}
    both = [*(one for one in earlier.report.skipped if one.where in still), *new]
    return list({(one.where, one.reason): one for one in both}.values())


def _joined_pictures(earlier: Earlier, output: Path, new: Staged) -> dict[str, Thumbnails]:
    """Return the thumbnails of those photos of both in which most is seen; of before, where the original is there."""
    shown, flips = ShownPhotos(), {line.output: line.flip or 0.0 for line in new.lines}
    for name, picture in new.pictures.items():
        shown.add(name, flips[name], picture)
    for line in sorted(earlier.protected, key=lambda one: -(one.flip or 0.0)):
        name, photo = str(line.output), Photo(line.source, earlier.root / line.source)
        if not shown.wants(line.flip or 0.0):
            break
        try:
            refuse_changed(photo, line.sha256_in)
            before, after = target_of(photo.path, earlier.settings).picture, decode(output / name)
        except DecodeError:
            continue
        shown.add(name, line.flip or 0.0, thumbnails(before, after))
    return shown.thumbnails
