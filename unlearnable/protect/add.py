"""Protect the posts that an earlier result lacks, and join both."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from unlearnable.errors import CheckpointError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.opening import DecodeError
from unlearnable.methods.optimise import optimise
from unlearnable.posts import Dataset, Photo, Skipped, named_as_told
from unlearnable.posts.names import plain, written
from unlearnable.protect import publish
from unlearnable.protect.caption_names import refuse_unmentioned
from unlearnable.protect.earlier import Earlier, earlier_result, keep_records
from unlearnable.protect.layout import METADATA, Layout, clear
from unlearnable.protect.photo import refuse_changed, target_of
from unlearnable.protect.posts import open_posts, places_of
from unlearnable.protect.publish import Staged, finish, stage
from unlearnable.protect.records import protected_lines, run_key, shows_another
from unlearnable.protect.resume import create_folders, held
from unlearnable.protect.setup import Run, load_all, make_ready, result_bytes
from unlearnable.protect.summary import figures_of, said_of_copies, said_of_counting, variety
from unlearnable.report import ManifestLine, ProtectReport, SkippedRecord
from unlearnable.report.pictures import ShownPhotos, Thumbnails, thumbnails
from unlearnable.report.protect import CHANGED
from unlearnable.settings import ProtectSettings, to_toml
from unlearnable.storage import files
from unlearnable.storage.progress import Progress, Silent
from unlearnable.wording import counted, named

_LINES, _TABLES = frozenset({".jsonl", ".ndjson"}), frozenset({".csv", ".tsv"})
_UTF8_MARK, _OTHER_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


def still_left_out(earlier: Earlier, dataset: Dataset) -> list[ManifestLine]:
    """Return what the earlier run left out and still counts.

    A photo that changed while that run went on and is gone counts no more, nor do rows of a caption file that is read
    again.
    """
    again = not dataset.partial and dataset.captions_file == earlier.report.captions_file
    return [
        line
        for line in earlier.lines
        if line.status == "skipped"
        and not (line.reason == CHANGED and not (earlier.root / line.source).is_file())
        and not (again and line.post is None)
    ]


def joined_lines(earlier: Earlier, dataset: Dataset, new: Sequence[ManifestLine]) -> list[ManifestLine]:
    """Return the manifest of both: protected photos, first those of before, then what was left out, each once."""
    named = [
        line.model_copy(update={"source": earlier.source_of(dataset.root, line.source)}) if line.post else line
        for line in new
    ]
    protected = [*earlier.protected, *protected_lines(named)]
    there = {line.source for line in protected}
    skipped = [*still_left_out(earlier, dataset), *(line for line in named if line.status == "skipped")]
    left_out = {line.source: line for line in skipped}
    return [*protected, *(line for source, line in left_out.items() if source not in there)]


def joined_report(
    earlier: Earlier, new: ProtectReport, new_lines: Sequence[ManifestLine], lines: Sequence[ManifestLine]
) -> ProtectReport:
    """Return the report of both; losses, rounds and seconds are those of the new posts.

    Args:
        earlier: the earlier result.
        new: the report of the new posts.
        new_lines: the manifest of these.
        lines: the manifest of both.
    """
    before, protected = earlier.report, protected_lines(lines)
    triggers = variety([line.trigger for line in protected]) if before.triggers and new.triggers else None
    added = protected_lines(new_lines)
    of_new = {*said_of_counting(new.triggers, len(added)), *said_of_copies(added)}
    were = "1 photo was" if new.protected == 1 else f"{new.protected} photos were"
    notes = [
        f"{were} added to the {before.protected} of before, whose files are as they were",
        *(note for note in new.notes if note not in of_new),
        *said_of_counting(triggers, len(protected)),
        *said_of_copies(protected),
    ]
    left_out = {line.source for line in lines if line.status == "skipped" and line.post}

    def mean(name: str, weight: str = "protected") -> float | None:
        values = [(getattr(one, name), getattr(one, weight)) for one in (before, new)]
        if any(value is None for value, _ in values):
            return None
        return round(float(sum(value * count for value, count in values) / sum(count for _, count in values)), 4)

    return new.model_copy(
        update={
            **figures_of(protected),
            "captions_file": before.captions_file or new.captions_file,
            "caption_format": before.caption_format,
            "photos": len(protected) + len(left_out),
            "added": new.protected,
            "some_photos": before.some_photos or new.some_photos,
            "captions_found": before.captions_found + new.captions_found,
            "skipped": _skipped(earlier, new.skipped, lines),
            "trigger_roundtrip": mean("trigger_roundtrip", "captions"),
            "trigger_similarity": mean("trigger_similarity"),
            "trigger_similarity_random": mean("trigger_similarity_random"),
            "triggers": triggers,
            "notes": notes,
        }
    )


def unchanged_report(earlier: Earlier, dataset: Dataset) -> ProtectReport:
    """Return the earlier report where nothing was to be added, with what was left out."""
    lines = [*earlier.protected, *still_left_out(earlier, dataset)]
    skipped = _skipped(earlier, [SkippedRecord.of(one) for one in dataset.skipped], lines)
    return earlier.report.model_copy(update={"added": 0, "skipped": skipped})


def _skipped(earlier: Earlier, new: Sequence[SkippedRecord], lines: Sequence[ManifestLine]) -> list[SkippedRecord]:
    """Return what either run left out, each once: of the earlier one without what counts no more or is protected."""
    counts = {line.source for line in lines if line.status == "skipped"}
    over = {line.source for line in (*earlier.lines, *lines)} - counts
    both = [one for one in (*earlier.report.skipped, *new) if one in new or one.where not in over]
    return list({(one.where, one.reason): one for one in both}.values())


def joined_pictures(
    earlier: Earlier, output: Path, new: Sequence[ManifestLine], pictures: Mapping[str, Thumbnails]
) -> dict[str, Thumbnails]:
    """Return the thumbnails of those photos of both in which most is seen; of before, where the original is there."""
    shown = ShownPhotos()
    flips = {line.output: line.flip or 0.0 for line in new}
    for name, found in pictures.items():
        shown.add(name, flips[name], found)
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


def join_files(earlier: Earlier, layout: Layout, dataset: Dataset, photos: Iterable[str], aside: Path) -> list[str]:
    """Put the earlier files into the staging folder, and the new captions behind theirs; return notes.

    Args:
        earlier: the earlier result.
        layout: folders of the run; the staging folder holds the new posts, with captions of these alone.
        dataset: the new posts.
        photos: names of the new copies.
        aside: folder for the new caption files meanwhile.
    """
    new, staged, notes = set(photos), layout.staged, []
    for name in sorted(earlier.sums):
        before, target = earlier.text(name), staged / name
        clashes = target.is_file() and name not in new
        if clashes:
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(target, aside / name)
        _link(before if before.is_file() else layout.output / name, target)
        if not clashes or (name != METADATA and dataset.format == "sidecar"):
            continue  # two photos share the text beside them: it stays that of the first
        both = continued(name, before.read_bytes(), (aside / name).read_bytes())
        if both is None:
            notes.append(_put_beside(earlier, layout, name, aside / name))
        else:
            files.write_bytes(target, both)
    return notes


def continued(name: str, before: bytes, new: bytes) -> bytes | None:
    """Return a file of JSON lines, or a table of the same heading, with another one behind it; None of other kinds."""
    if before.startswith(_OTHER_MARKS) or new.startswith(_OTHER_MARKS):
        return None
    start, new = before.removeprefix(_UTF8_MARK).lstrip(), new.removeprefix(_UTF8_MARK)
    if (suffix := PurePosixPath(name).suffix.lower()) in _TABLES:
        heading, _, new = new.partition(b"\n")
        if heading.rstrip(b"\r") != start.partition(b"\n")[0].rstrip(b"\r") or b'"' in heading:
            return None
    elif suffix not in _LINES or start.startswith(b"["):
        return None
    return before + (b"" if before.endswith(b"\n") or not before else b"\n") + new


def _put_beside(earlier: Earlier, layout: Layout, name: str, new: Path) -> str:
    """Give a caption file that cannot be continued a number; return a note."""
    path, number, ours = PurePosixPath(name), 2, publish.read_sums(layout)
    while (own := str(path.with_name(f"{path.stem}-{number}{path.suffix}"))) in earlier.sums or (
        os.path.lexists(layout.output / own) and own not in ours
    ):
        number += 1
    shutil.copy(new, layout.staged / own)
    return f"the captions of the added photos are in {own}, as {name} cannot be continued; {METADATA} holds all"


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
    gone = [str(line.output) for line in earlier.protected if not files.exists(earlier.root / line.source)]
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
    anew = "`overwrite=True` protects all anew"
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
        CheckpointError: the earlier result is damaged, or a run that added nothing was stopped there.
    """
    started, progress = time.monotonic(), progress or Silent()
    source, layout = places_of(settings)
    with held(layout) as scratch:
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
            report = publish.with_strangers(unchanged_report(earlier, dataset), layout)
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
            files.check_space(layout.private, result_bytes(run))
        earlier = keep_records(layout, earlier, scratch)
        settings_text = to_toml(earlier.settings.model_copy(update={"name": settings.name}))
        create_folders(layout, key, settings_text, resume=goes_on)
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
    passing = publish.read_sums(layout)
    there = (path.relative_to(layout.output).as_posix() for path in layout.output.rglob("*"))
    return {*earlier.sums, *(name for name in there if name not in passing)}


def _refuse_half_added(layout: Layout, earlier: Earlier) -> None:
    """Stop where an `--add` was stopped while it published photos that are gone now: its files are neither old nor new.

    Raises:
        CheckpointError: it was; the records of the earlier result stay aside.
    """
    if earlier.is_aside:
        raise CheckpointError(
            f"a run with `add=True` was stopped while it put photos into {layout.output}, and they are gone",
            hint="put them back and use `add=True` again, or protect all anew with `overwrite=True`",
        )
