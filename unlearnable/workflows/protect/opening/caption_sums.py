"""Whether the files of captions are still as they were when they were read."""

from __future__ import annotations

from pathlib import Path

from unlearnable.datasets import Dataset
from unlearnable.datasets.beside import Beside
from unlearnable.datasets.export import Export
from unlearnable.datasets.formats import FORMATS
from unlearnable.disk import checksums
from unlearnable.wording.counts import named


def caption_sums(dataset: Dataset) -> dict[Path, str | None]:
    """Return the hex SHA-256 of each caption file of a data set; None where it cannot be read."""
    member = FORMATS[dataset.format]
    paths = [dataset.source] if dataset.source else []
    if isinstance(member, Export | Beside):
        paths = member.files_of(dataset)
    return {path: _sum(path) for path in paths}


def _sum(path: Path) -> str | None:
    try:
        return checksums.sha256(path)
    except OSError:
        return None


def said_of_change(dataset: Dataset) -> list[str]:
    """Return a remark where caption files are not as they were read, although each caption that was read is there."""
    before, now = dataset.captions_sha256, caption_sums(dataset)
    changed = [path.name for path in sorted({*before, *now}) if before.get(path) != now.get(path)]
    if not before or not changed:
        return []
    return [
        f"{named(changed, 1)} {'has' if len(changed) == 1 else 'have'} changed while the run went on: "
        f"rows that are new are left out. --add takes those of new photos, --overwrite those of others too"
    ]
