"""Write the captions of a run, in their own format and in that of Hugging Face's imagefolder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from unlearnable import checksums, files
from unlearnable.datasets import Dataset, Edits, write_captions
from unlearnable.datasets.beside import Beside
from unlearnable.datasets.export import Export
from unlearnable.datasets.formats import FORMATS
from unlearnable.datasets.shards.format import Shards
from unlearnable.wording import named
from unlearnable.workflows.output.layout import METADATA, Layout
from unlearnable.workflows.protect.publication import Publication


def write_caption_files(
    publication: Publication, dataset: Dataset, layout: Layout, keep_fields: Sequence[str]
) -> Path | None:
    """Write the captions back in their own format, and metadata.jsonl for Hugging Face's imagefolder.

    Returns:
        The caption file in the staging folder; None if the format has no single file.
    """
    edits = Edits(
        captions={(pair.record, pair.index): text for pair, text in publication.in_file},
        paths=publication.names,
        keep_fields=frozenset(name.casefold() for name in keep_fields),
    )
    target = layout.staged if dataset.source is None else layout.staged / dataset.source.name
    write_captions(dataset, edits, target)
    _copy_modes(dataset, layout)
    if dataset.captions_file != METADATA:
        rows = (
            {"file_name": publication.names[photo], "text": text}
            for photo, texts in publication.captions.items()
            for _, text in texts
        )
        files.write_text(layout.staged / METADATA, "".join(_dump(row) for row in rows))
        if dataset.source and dataset.source.is_file():
            files.copy_mode(dataset.source, layout.staged / METADATA)
    return target if dataset.source else None


def caption_sums(dataset: Dataset) -> dict[Path, str | None]:
    """Return the hex SHA-256 of each caption file of a data set, or of each shard; None where it cannot be read."""
    member = FORMATS[dataset.format]
    paths = [dataset.source] if dataset.source else []
    if isinstance(member, Shards) and dataset.shards:
        paths = member.paths(dataset.shards)
    elif isinstance(member, Export | Beside):
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
    how = "--add takes those of new photos, --overwrite those of others too"
    return [
        f"{named(changed, 1)} {'has' if len(changed) == 1 else 'have'} changed while the run went on: "
        f"rows that are new are left out. {'--overwrite takes them' if dataset.shards else how}"
    ]


def _copy_modes(dataset: Dataset, layout: Layout) -> None:
    """Let those read the written caption files who may read the user's own."""
    for path in layout.staged.rglob("*"):
        own = dataset.root / path.relative_to(layout.staged)
        if dataset.source and path == layout.staged / dataset.source.name:
            own = dataset.source
        if path.is_file() and own.is_file():
            files.copy_mode(own, path)


def _dump(row: dict[str, str]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
