"""Posts that were withdrawn: their original and their copy are gone, and so `--add` takes them out of the result."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from dataclasses import replace
from pathlib import Path

from unlearnable.datasets import Dataset, Edits, columns_of, open_dataset, write_captions
from unlearnable.datasets.formats import FORMATS
from unlearnable.disk import checksums, entries, files, modes
from unlearnable.errors import CheckpointError, InputError
from unlearnable.progress.reporting import Progress
from unlearnable.report.html import protect_page
from unlearnable.wording.counts import counted, named
from unlearnable.workflows.output import published
from unlearnable.workflows.output.layout import METADATA, Layout
from unlearnable.workflows.output.records import manifest_text, seal_records
from unlearnable.workflows.protect.adding.additions import recognised
from unlearnable.workflows.protect.adding.earlier import Earlier
from unlearnable.workflows.protect.adding.joined import joined_pictures, reduced_report

_NAMED = 3  # copies in a remark; the others are counted
_ANEW = "protect all anew with --overwrite"


def without_withdrawn(layout: Layout, earlier: Earlier, scratch: Path, progress: Progress) -> Earlier:
    """Take the withdrawn posts out of an earlier result; a call that is interrupted can be repeated.

    Raises:
        CheckpointError: an `--add` was stopped while it published photos, or withdrew some that are back, or captions
            cannot be taken out of a file.
        OutputError: a file cannot be written.
    """
    gone = {str(line.output) for line in earlier.withdrawn}
    _refuse_brought_back(earlier, gone)
    if not gone:
        return earlier
    said = said_of_gone(earlier)
    if earlier.is_aside:
        raise CheckpointError(f"{said}, and an --add was stopped while it put photos into {layout.output}", hint=_ANEW)
    try:
        texts = _texts_without(gone, earlier, scratch / "kept")
    except InputError as error:
        raise CheckpointError(f"{said}, and captions of them cannot be taken out", hint=_ANEW) from error
    lines = [line for line in earlier.lines if line.output not in gone]
    sums = {name: digests for name, digests in earlier.sums.items() if name not in {*gone, *earlier.texts}}
    sums |= {name: {hashlib.sha256(text).hexdigest()} for name, text in texts.items()}
    kept = replace(earlier, report=reduced_report(earlier, lines), lines=lines, sums=sums)
    _replace(earlier, kept, texts)
    progress.note(f"{said}: withdrawn, with captions and records")
    return kept


def _refuse_brought_back(earlier: Earlier, gone: Set[str]) -> None:
    """Stop where posts are back of which captions and records were being taken out: those are neither old nor new.

    Raises:
        CheckpointError: it is so.
    """
    half = len(earlier.protected) - earlier.report.protected  # the report is written first, the manifest last
    back = sorted(str(line.output) for line in earlier.protected if line.output not in {*gone, *earlier.sums})
    if half > 0 and (back or half > len(gone)):
        which = f" ({named(back, _NAMED)})" if back else ""
        raise CheckpointError(
            f"an --add was stopped while it withdrew posts whose files are there again{which}",
            hint="take photo and copy away once more and use --add, then put the photo back and use --add again, or "
            + _ANEW,
        )


def said_of_gone(earlier: Earlier) -> str:
    """Return the beginning of a remark on the posts that were withdrawn; empty where none was."""
    gone = sorted(str(line.output) for line in earlier.withdrawn)
    return f"photo and copy of {counted(len(gone), 'post')} are gone ({named(gone, _NAMED)})" if gone else ""


def said_of_left(earlier: Earlier, found: Dataset) -> list[str]:
    """Return a remark where copies are left of photos that are gone from their folder, while others are there."""
    if found.partial or found.root.resolve() != earlier.root:
        return []
    there = {line.source for line in recognised(found, earlier).values()}
    away = [line for line in earlier.protected if line.source not in there]
    left = [str(line.output) for line in away if not entries.exists(earlier.root / line.source)]
    if not left or len(left) == len(earlier.protected):
        return []
    one = len(left) == 1
    said, it = (
        ("is of a photo that is gone, and stays", "it") if one else ("are of photos that are gone, and stay", "them")
    )
    return [f"{named(left, _NAMED)} {said} published: delete {it} too, and --add withdraws {it}"]


def _texts_without(gone: Set[str], earlier: Earlier, folder: Path) -> dict[str, bytes]:
    """Return the published texts without the captions of copies that are gone, but for texts that hold nothing else."""
    before, after, output = folder / "before", folder / "after", earlier.records.output
    there = [name for name in earlier.texts if (output / name).is_file()]
    for name in (*(str(line.output) for line in earlier.protected), *there):  # captions name photos: all are there
        (before / name).parent.mkdir(parents=True, exist_ok=True)
        (before / name).write_bytes((output / name).read_bytes() if name in there else b"")

    def write(dataset: Dataset, target: Path) -> None:
        stay = {photo.id: photo.id for photo in dataset.photos if photo.id not in gone}
        if any(pair.photo in stay and pair.record >= 0 for pair in dataset.pairs):
            write_captions(dataset, Edits(paths=stay, keep_fields=earlier.keep_fields), target)

    in_one = earlier.report.captions_file is not None
    for name in there if in_one else [METADATA]:
        columns = None if name == METADATA else columns_of(earlier.settings)
        write(open_dataset(before, before / name, columns), after / name)
    if not in_one and there != [METADATA]:
        write(FORMATS[earlier.report.caption_format].read(before, before), after)
    return {path.relative_to(after).as_posix(): path.read_bytes() for path in entries.files_below(after)}


def _replace(earlier: Earlier, kept: Earlier, texts: Mapping[str, bytes]) -> None:
    """Replace an earlier result by what is kept of it: its report first and its manifest, which tells both, last."""
    records, report = earlier.records, kept.report.model_dump_json(indent=2) + "\n"
    published.refuse_linked(records, earlier.texts)
    page = protect_page(kept.report, kept.lines, kept.settings, joined_pictures(kept, records.output, [], {}))
    with files.reporting_write_errors(records.report):
        records.private_sums.unlink(missing_ok=True)
    files.write_text(records.report, report)
    checksums.write_sums(records.sums, {name: earlier.sums[name] | new for name, new in kept.sums.items()})
    for name in earlier.texts:
        path = records.output / name
        if name not in texts and path.is_file():
            published.remove(path, records.output)
        elif name in texts and path.read_bytes() != texts[name]:
            mode = path.stat().st_mode
            files.write_bytes(path, texts[name])
            modes.set_mode(path, mode)
    checksums.write_sums(records.sums, kept.sums)
    files.write_text(records.page, page)
    lines = manifest_text(kept.lines)
    seal_records(records, report, lines)  # a kill behind it leaves all records listed
    files.write_text(records.manifest, lines)
    seal_records(records, report)
