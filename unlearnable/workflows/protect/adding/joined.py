"""The manifest, the report and the pictures of an earlier result and of what was added to it, in one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence, Set
from pathlib import Path

from unlearnable.datasets import Dataset, Photo
from unlearnable.evaluation.stealth import variety
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.report.pictures import Thumbnails, thumbnails
from unlearnable.report.shown_photos import ShownPhotos
from unlearnable.results import ManifestLine, ProtectReport, SkippedRecord, TriggerFigures
from unlearnable.results.protect import CHANGED
from unlearnable.workflows.output.records import protected_lines
from unlearnable.workflows.protect.adding.earlier import Earlier
from unlearnable.workflows.protect.preparing.read_one import refuse_changed
from unlearnable.workflows.protect.preparing.target import target_of
from unlearnable.workflows.protect.publishing.summary import (
    CONVERTED,
    LOSSY,
    REDUCED,
    WHO_COUNTS,
    figures_of,
    said_of_copies,
    said_of_counting,
)

BEFORE = "before: "  # stands in front of the notes of the earlier run
_NUMBER = re.compile(r"(?<!\S)\d+(?!\S)")  # a word of its own: no part of a name
ADDED = "of before, whose files are as they were"
OF_BOTH = (WHO_COUNTS, LOSSY, REDUCED, CONVERTED)  # what notes say that are made anew, of both results


def read_again(earlier: Earlier, dataset: Dataset, known: Collection[str]) -> set[str]:
    """Return what the earlier run left out and no longer counts.

    These are photos that changed or went while it ran and are gone, and the rows, if their captions are read again:
    they may stand elsewhere now.

    Args:
        earlier: the earlier result.
        dataset: the posts that are read now.
        known: photos among them of which the earlier result has a copy.
    """
    changed = [line.source for line in earlier.lines if line.reason == CHANGED]
    gone = {source for source in changed if not (earlier.root / source).is_file()}
    if dataset.partial or not known or dataset.captions_file != earlier.report.captions_file:
        return gone
    return gone | {line.source for line in earlier.lines if line.status == "skipped" and line.post is None}


def joined_lines(
    earlier: Earlier, dataset: Dataset, new: Sequence[ManifestLine], again: Set[str]
) -> list[ManifestLine]:
    """Return the manifest of both: protected photos, first those of before, then what was left out, each once.

    Args:
        earlier: the earlier result.
        dataset: the new posts.
        new: the manifest lines of these.
        again: what the earlier run left out and no longer counts, see `read_again`.
    """
    named = [
        line.model_copy(update={"source": earlier.source_of(dataset.root, line.source)}) if line.post else line
        for line in new
    ]
    protected = [*earlier.protected, *protected_lines(named)]
    there = {line.source for line in protected}
    before = [line for line in earlier.lines if line.source not in again]
    left_out = {line.source: line for line in (*before, *named) if line.status == "skipped"}
    return [*protected, *(line for source, line in left_out.items() if source not in there)]


def joined_report(
    earlier: Earlier, new: ProtectReport, lines: Sequence[ManifestLine], notes: Sequence[str], again: Set[str]
) -> ProtectReport:
    """Return the report of both; losses and rounds are those of the new posts."""
    before, protected = earlier.report, protected_lines(lines)
    there = {line.source for line in protected}
    left_out = _left_out(earlier, new.skipped, again)
    skipped = [one for one in left_out if one.where not in there or one in new.skipped]  # one that changed since too
    triggers = _triggers(before, new, protected)
    of_both = [*said_of_counting(triggers, len(protected), earlier.settings.trigger_scope), *said_of_copies(protected)]
    were = "1 photo was" if new.protected == 1 else f"{new.protected} photos were"
    said = f"{were} added to the {before.protected} {ADDED}"
    of_new = [said, *notes, *(note for note in new.notes if not _is_of(OF_BOTH, note))]

    def mean(name: str, weight: str = "protected") -> float | None:
        values = [(getattr(one, name), getattr(one, weight)) for one in (before, new)]
        if any(value is None for value, _ in values):
            return None
        total: float = sum(value * count for value, count in values)
        weights: int = sum(count for _, count in values)
        return round(total / weights, 4)

    return new.model_copy(
        update={
            **figures_of(protected),
            "captions_file": before.captions_file or new.captions_file,
            "caption_format": before.caption_format,
            "photos": _photos(lines),
            "added": new.protected,
            "withdrawn": before.withdrawn,
            "some_photos": before.some_photos or new.some_photos,
            "captions_found": before.captions_found + new.captions_found,
            "skipped": skipped,
            "trigger_roundtrip": mean("trigger_roundtrip", "captions"),
            "trigger_similarity": mean("trigger_similarity"),
            "trigger_similarity_random": mean("trigger_similarity_random"),
            "triggers": triggers,
            "notes": [*of_new, *_of_before(before.notes, of_new), *of_both],
        }
    )


def reduced_report(earlier: Earlier, lines: Sequence[ManifestLine]) -> ProtectReport:
    """Return the earlier report where lines of protected photos are left out; losses stay those of all."""
    before, protected = earlier.report, protected_lines(lines)
    triggers = before.triggers and _variety(protected)
    of_all = [*said_of_counting(triggers, len(protected), earlier.settings.trigger_scope), *said_of_copies(protected)]
    return before.model_copy(
        update={
            **figures_of(protected),
            "photos": _photos(lines),
            "withdrawn": before.withdrawn + before.protected - len(protected),
            "captions_found": min(before.captions_found, len(protected)),
            "triggers": triggers,
            "notes": [*(note for note in before.notes if not _is_of(OF_BOTH, note)), *of_all],
        }
    )


def _photos(lines: Sequence[ManifestLine]) -> int:
    """Return how many photos a manifest counts: those that have a copy, and those that were left out."""
    left_out = {line.source for line in lines if line.status == "skipped" and line.post}
    return len(protected_lines(lines)) + len(left_out)


def _of_before(notes: Sequence[str], of_new: Sequence[str]) -> list[str]:
    """Return those of an earlier report that still tell something: of notes that differ in a number alone, the latest.

    The list would grow with every addition otherwise.
    """
    latest: dict[str, str] = {}
    for note in (note.removeprefix(BEFORE) for note in notes if not _is_of((*OF_BOTH, ADDED), note)):
        latest.setdefault(_NUMBER.sub("", note), note)
    return [BEFORE + note for note in latest.values() if note not in of_new]


def _is_of(marks: Sequence[str], note: str) -> bool:
    return any(mark in note for mark in marks)


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


def unchanged_report(earlier: Earlier, dataset: Dataset, again: Set[str]) -> ProtectReport:
    """Return the earlier report where nothing was to be added, with what was left out."""
    skipped = _left_out(earlier, [SkippedRecord.of(one) for one in dataset.skipped], again)
    return earlier.report.model_copy(update={"added": 0, "skipped": skipped})


def _left_out(earlier: Earlier, new: Sequence[SkippedRecord], again: Set[str]) -> list[SkippedRecord]:
    """Return what either run left out, each once."""
    before = [one for one in earlier.report.skipped if one.where not in again]
    return list({(one.where, one.reason): one for one in (*before, *new)}.values())


def _triggers(before: ProtectReport, new: ProtectReport, protected: Sequence[ManifestLine]) -> TriggerFigures | None:
    if before.triggers is None or new.triggers is None:
        return None
    return _variety(protected)


def _variety(protected: Sequence[ManifestLine]) -> TriggerFigures:
    return variety([line.trigger for line in protected])
