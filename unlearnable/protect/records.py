"""The records of a finished run: manifest, list of published files, settings and report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from unlearnable.disk import checksums
from unlearnable.errors import CheckpointError
from unlearnable.imaging.copied import as_copied, is_reduced
from unlearnable.imaging.decode import decode
from unlearnable.imaging.visibility import compare
from unlearnable.protect.layout import Records
from unlearnable.results import ManifestLine, ProtectReport
from unlearnable.wording.counts import counted
from unlearnable.wording.escapes import json_line, storable_within

Found = TypeVar("Found")
ANEW = "restore it from a backup, or protect all anew with --overwrite"
AWAY = "restore it from a backup, or move {} elsewhere and protect all anew with --overwrite"


def read_record(path: Path) -> str:
    """Return the text of a record.

    Raises:
        OSError: it cannot be read.
    """
    return path.read_bytes().decode("utf-8", "surrogateescape")  # names of files may be no text


def refuse_incomplete(records: Records, report: ProtectReport) -> None:
    """Refuse a finished run of which a record is gone, or lists fewer files than its report.

    Raises:
        CheckpointError: it is so; the message names the record.
    """
    for path in records.records:
        if not path.is_file():
            raise CheckpointError(f"{path} of the finished run is gone", hint=remedy(path, records))
    lines = read_as(records.manifest, lambda _: read_manifest(records.manifest))
    copies = len(protected_lines(lines))
    published = len(read_as(records.sums, checksums.parse_sums))
    for path, found in ((records.manifest, copies), (records.sums, published)):
        if found < report.protected:
            raise CheckpointError(
                f"{path} is damaged, or of another version: it lists {counted(found, 'file')}, "
                f"and the run protected {counted(report.protected, 'photo')}",
                hint=remedy(path, records),
            )


def remedy(record: Path, records: Records) -> str:
    """Return what to do where a record is lost; files that are not on the list of published ones are not replaced."""
    return AWAY.format(records.output) if record == records.sums else ANEW


def read_as(path: Path, read: Callable[[str], Found]) -> Found:
    """Return what `read` makes of the text of a record.

    Raises:
        CheckpointError: it cannot be read, is not as the run wrote it, or `read` finds a fault in it.
    """
    try:
        return read(read_record(path))
    except OSError as error:
        raise CheckpointError(f"{path} of the earlier run cannot be read: {error.strerror}", hint=ANEW) from error
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is of another version, or damaged", hint=ANEW) from error


def read_report(records: Records) -> ProtectReport:
    """Return the report of a finished run, with its folders where they are now: they may have been moved since.

    Raises:
        CheckpointError: it cannot be read, or is not as the run wrote it.
    """
    report = read_as(records.report, ProtectReport.model_validate_json)
    folders = {"output": str(records.output), "private": str(records.private)}
    return report.model_copy(update=storable_within(folders))


def read_manifest(path: Path) -> list[ManifestLine]:
    """Return the lines of a manifest; those that cannot be read, as of another version, are left out.

    Raises:
        OSError: it cannot be read.
    """
    lines = []
    for text in read_record(path).split("\n"):
        with suppress(ValidationError):
            lines.append(ManifestLine.model_validate_json(text))
    return lines


def protected_lines(lines: Iterable[ManifestLine]) -> list[ManifestLine]:
    """Return the lines of a manifest that are of photos with a copy."""
    return [line for line in lines if line.status == "protected"]


def manifest_text(lines: Iterable[ManifestLine]) -> str:
    """Return the text of a manifest."""
    return "".join(json_line(line.model_dump_json()) for line in lines)


SAME_DB = 0.01  # the manifest has three decimals; to blur a thousandth of a photo takes more


def shows_another(photo: Path, copy: Path, line: ManifestLine) -> bool:
    """Return whether a photo has other pixels than that of which its copy was made, as far as the PSNR of both tells.

    What programs write beside the pixels, as a rating, makes no other photo of it.

    Args:
        photo: file of the photo.
        copy: file of the copy.
        line: what the manifest says of the copy.

    Raises:
        DecodeError: one of both cannot be read.
    """
    now, written = decode(photo), decode(copy)
    if not is_reduced(now, written):
        return True
    distance = compare(as_copied(now, written).pixels, written.pixels).psnr
    return line.psnr is not None and abs(distance - line.psnr) > SAME_DB
