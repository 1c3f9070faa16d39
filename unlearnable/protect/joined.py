"""An earlier result and what was added to it in one: manifest, report, pictures and caption files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from unlearnable.datasets import Dataset, Photo
from unlearnable.datasets.beside import Beside
from unlearnable.datasets.formats import FORMATS
from unlearnable.disk import files, modes
from unlearnable.evaluation.stealth import variety
from unlearnable.imaging.decode import decode
from unlearnable.imaging.opening import DecodeError
from unlearnable.protect import published
from unlearnable.protect.earlier import Earlier
from unlearnable.protect.layout import METADATA, Layout
from unlearnable.protect.read_one import refuse_changed, target_of
from unlearnable.protect.records import protected_lines
from unlearnable.protect.summary import figures_of, said_of_copies, said_of_counting
from unlearnable.report.pictures import Thumbnails, thumbnails
from unlearnable.report.shown_photos import ShownPhotos
from unlearnable.results import ManifestLine, ProtectReport, SkippedRecord
from unlearnable.results.protect import CHANGED

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
    before, protected, scope = earlier.report, protected_lines(lines), earlier.settings.trigger_scope
    triggers = variety([line.trigger for line in protected]) if before.triggers and new.triggers else None
    added = protected_lines(new_lines)
    of_new = {*said_of_counting(new.triggers, len(added), scope), *said_of_copies(added)}
    were = "1 photo was" if new.protected == 1 else f"{new.protected} photos were"
    notes = [
        f"{were} added to the {before.protected} of before, whose files are as they were",
        *(note for note in new.notes if note not in of_new),
        *said_of_counting(triggers, len(protected), scope),
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
        if not clashes or (name != METADATA and isinstance(FORMATS[dataset.format], Beside)):
            continue  # two photos share the text beside them: it stays that of the first
        both = continued(name, before.read_bytes(), (aside / name).read_bytes())
        if both is None:
            notes.append(_put_beside(earlier, layout, name, aside / name))
        else:
            files.write_bytes(target, both)
            modes.copy_mode(before, target)
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
    path, number, ours = PurePosixPath(name), 2, published.read_sums(layout)
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
