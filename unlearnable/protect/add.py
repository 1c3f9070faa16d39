"""Which posts of a data set an earlier result lacks."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import replace

from unlearnable.config import ProtectSettings, to_toml
from unlearnable.datasets import Dataset, Photo, Skipped, named_as_told
from unlearnable.disk import entries, limits
from unlearnable.errors import CheckpointError
from unlearnable.imaging.opening import DecodeError
from unlearnable.posts.name_styles import plain, written
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.protect import published
from unlearnable.protect.caption_names import refuse_unmentioned
from unlearnable.protect.claim import clear, create_folders, held, scratch_of
from unlearnable.protect.earlier import Earlier, earlier_result, keep_records
from unlearnable.protect.joined import join_files, joined_lines, joined_pictures, joined_report, unchanged_report
from unlearnable.protect.layout import Layout
from unlearnable.protect.posts import open_posts
from unlearnable.protect.publish import Staged, finish, stage
from unlearnable.protect.records import shows_another
from unlearnable.protect.setup import Run, load_all, make_ready, result_bytes
from unlearnable.protect.source import places_of
from unlearnable.protect.stored import run_key
from unlearnable.protection.optimise import optimise
from unlearnable.results import ManifestLine, ProtectReport
from unlearnable.results.protect import CHANGED
from unlearnable.wording.counts import counted, named

_NAMED = 3  # photos in a remark; the others are counted


def recognised(dataset: Dataset, earlier: Earlier) -> dict[str, ManifestLine]:
    """Return the photos of which the earlier result has a copy, with their manifest lines: by content, one a copy."""
    by_name = {line.source: line for line in earlier.protected}
    by_content = {line.sha256_in: line for line in earlier.protected}
    found: dict[str, ManifestLine] = {}
    unnamed: dict[str, str] = {}
    for photo in dataset.photos:
        line, content = by_name.get(earlier.source_of(dataset.root, photo.id)), photo.sha256() or ""
        if line is not None and line.sha256_in == content:
            found[photo.id] = line
        elif content in by_content:
            unnamed[photo.id] = content
    taken = {line.sha256_in for line in found.values()}
    for photo_id, content in unnamed.items():
        if content not in taken:
            taken.add(content)
            found[photo_id] = by_content[content]
    return found


def with_names_of_now(earlier: Earlier, dataset: Dataset) -> Earlier:
    """Return the earlier result whose manifest calls photos that were renamed or moved since by their present names."""
    now = {}
    for photo, line in recognised(dataset, earlier).items():
        name = earlier.source_of(dataset.root, photo)
        if name != line.source and Photo(line.source, earlier.root / line.source).sha256() != line.sha256_in:
            now[line.source] = name
    lines = [line.model_copy(update={"source": now.get(line.source, line.source)}) for line in earlier.lines]
    return replace(earlier, lines=lines)


def additions(dataset: Dataset, earlier: Earlier) -> Dataset:
    """Return the posts that are new: neither content nor name of their photo is in the earlier manifest.

    A photo of a known name that has other pixels now is listed as left out, and so is a second file of a known photo.
    A photo that the earlier run left out is new once it or its captions have changed.
    """
    by_name = {line.source: line for line in earlier.lines if line.status == "skipped"}
    by_name |= {line.source: line for line in earlier.protected}
    by_content = {line.sha256_in: line for line in earlier.protected}
    new, left_out = set[str](), []
    for photo in dataset.photos:
        line, content = by_name.get(earlier.source_of(dataset.root, photo.id)), photo.sha256() or ""
        if line is not None and line.status == "protected":
            if content != line.sha256_in and _is_another(photo, line, earlier):
                detail = f"{line.output} is a copy of it as it was; give it another name to add it"
                left_out.append(Skipped(photo.id, "changed-since", detail))
        elif same := by_content.get(content):
            left_out.append(Skipped(photo.id, "same-photo", f"{same.output} is its copy already"))
        elif line is None or line.reason == CHANGED or line.post != dataset.posts[photo.id]:
            new.add(photo.id)
    return dataset.of(new).lacking(left_out)


def _is_another(photo: Photo, line: ManifestLine, earlier: Earlier) -> bool:
    """Return whether a photo whose file has changed has other pixels now, or cannot be read."""
    try:
        return shows_another(photo.path, earlier.records.output / str(line.output), line)
    except DecodeError:
        return True


def named_as_before(dataset: Dataset, earlier: Earlier) -> Dataset:
    """Return all posts of now: of faces, everyone under the invented name of the earlier captions, others under new."""
    if not dataset.people:
        return dataset
    told = {photo: [*map(plain, line.captions)] for photo, line in recognised(dataset, earlier).items()}
    return named_as_told(dataset, told, (plain(text) for line in earlier.protected for text in line.captions))


def notes_on_published(dataset: Dataset, earlier: Earlier, settings: ProtectSettings) -> list[str]:
    """Return notes on published copies and captions that stay although their photo or caption is another now.

    Args:
        dataset: all posts of now.
        earlier: the earlier result, with the names of now.
        settings: with the names that are to be written in another way.
    """
    gone = [str(line.output) for line in earlier.protected if not entries.exists(earlier.root / line.source)]
    pairs, bare = dataset.pairs_by_photo(), dataset.uncaptioned
    corrected = [
        photo
        for photo, line in recognised(dataset, earlier).items()
        if photo not in bare
        and line.post != dataset.posts[photo]
        and not all(any(pair.caption in text for text in line.captions) for pair in pairs[photo])
    ]
    say = [
        line.source
        for line in earlier.protected
        if any(written(text, settings.name, settings.names) != text for text in line.captions)
    ]
    anew = "--overwrite protects all anew"
    notes = []
    if 0 < len(gone) < len(earlier.protected):  # if all are gone, they may be on another disk
        notes.append(f"published, although the original is gone: {named(sorted(gone), _NAMED)}; {anew} without them")
    if corrected:
        notes.append(f"published with an earlier caption: {named(corrected, _NAMED)}; {anew}")
    if say:
        notes.append(f"published with a name that you want otherwise: {named(say, _NAMED)}; {anew}")
    return notes


def add(settings: ProtectSettings, *, progress: Progress | None = None) -> ProtectReport:
    """Protect the posts that an earlier result lacks, and put both in its place; the same call continues a stopped one.

    Args:
        settings: those of the earlier run, see `adding.settings.continued`.
        progress: receives progress updates.

    Raises:
        InputError: no new photo can be protected.
        ModelError: a surrogate is not available, or the new posts would hardly be protected.
        OutputError: there is no earlier result, it cannot be written to, or another run is writing to it.
        CheckpointError: the earlier result is damaged, or a run that is no `--add` was stopped there.
    """
    started, progress = time.monotonic(), progress or Silent()
    source, layout = places_of(settings)
    with held(layout), scratch_of(layout) as scratch:
        earlier = earlier_result(layout)
        layout = replace(layout, photos=earlier.root)  # wherever the new posts are
        found = open_posts(source, settings, progress)
        found = named_as_before(found, earlier)
        earlier = with_names_of_now(earlier, found)
        for note in notes_on_published(found, earlier, settings):
            progress.note(note)
        dataset = additions(found, earlier)
        if not dataset.photos:
            _refuse_half_added(layout, earlier)
            clear(layout)
            report = published.with_strangers(unchanged_report(earlier, dataset), layout)
            for note in report.notes[: len(report.notes) - len(earlier.report.notes)]:
                progress.note(note)
            return report
        progress.note(f"{len(dataset.photos)} of {counted(len(found.photos), 'photo')} to be added")
        key = hashlib.sha256(f"{earlier.report.run} {run_key(settings, dataset)}".encode()).hexdigest()
        loaded, taken = load_all(settings, progress), _taken(layout, earlier)
        run = make_ready(loaded, layout, dataset, scratch, progress, taken)
        refuse_unmentioned(run, earlier.settings.name)
        run = replace(run, key=key)
        goes_on = layout.key_under_way() == key
        if not goes_on:
            limits.check_space(layout.private, result_bytes(run))
        earlier = keep_records(layout, earlier, scratch)
        settings_text = to_toml(earlier.settings.model_copy(update={"name": settings.name}))
        create_folders(layout, key, settings_text, dataset.posts, resume=goes_on)
        session, trace = optimise(run.task, progress)
        run = replace(run, problem=session.problem)
        new = stage(run, session.state, trace.losses, started, progress)
        return finish(run, _joined(run, new, earlier), progress)


def _joined(run: Run, new: Staged, earlier: Earlier) -> Staged:
    """Join what is staged with the earlier result."""
    copies = new.publication.names.values()
    notes = join_files(earlier, run.layout, run.dataset, copies, run.scratch / "new")
    lines = joined_lines(earlier, run.dataset, new.lines)
    pictures = joined_pictures(earlier, run.layout.output, new.lines, new.pictures)
    report = joined_report(earlier, new.report, new.lines, lines)
    report = report.model_copy(update={"notes": [report.notes[0], *notes, *report.notes[1:]]})
    return Staged(report, lines, pictures, new.publication)


def _taken(layout: Layout, earlier: Earlier) -> Iterable[str]:
    """Return the names that no new copy may have: of earlier files, and of those that somebody put beside them."""
    passing = published.read_sums(layout)
    there = (path.relative_to(layout.output).as_posix() for path in layout.output.rglob("*"))
    return {*earlier.sums, *(name for name in there if name not in passing)}


def _refuse_half_added(layout: Layout, earlier: Earlier) -> None:
    """Stop where an `--add` was stopped while it published photos that are gone now: its files are neither old nor new.

    Raises:
        CheckpointError: it was; the records of the earlier result stay aside.
    """
    if earlier.is_aside:
        raise CheckpointError(
            f"an --add was stopped while it put photos into {layout.output}, and they are gone",
            hint="put them back and use --add again, or protect all anew with --overwrite",
        )
