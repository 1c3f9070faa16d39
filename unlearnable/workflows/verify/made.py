"""What the private folder beside protected copies tells of the run that made them."""

from __future__ import annotations

from pathlib import Path

from unlearnable.datasets import Dataset, restrict
from unlearnable.results import ManifestLine, ProtectReport
from unlearnable.workflows.layout import REPORT, Layout, private_of


def report_of(protected: Path) -> ProtectReport | None:
    """Return the report of the run that made the copies; None where there is none beside them."""
    try:
        text = (private_of(protected.resolve()) / REPORT).read_text(encoding="utf-8")
        return ProtectReport.model_validate_json(text)
    except (OSError, ValueError):
        return None


def given_to_protect(originals: Dataset, protected: Path) -> Dataset:
    """Return the originals without the photos that the run did not take, where it was given some photos of a folder."""
    report = report_of(protected)
    if report is None or not report.some_photos:
        return originals
    private = private_of(protected.resolve())
    text = Layout(originals.root, protected, private).manifest.read_text(encoding="utf-8")
    taken = {ManifestLine.model_validate_json(line).source for line in text.splitlines()}
    ids = {photo.id for photo in originals.photos}
    return restrict(originals, taken & ids) if taken & ids else originals
