"""Write the captions of a run, in their own format and in that of Hugging Face's imagefolder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unlearnable.datasets import Dataset, Edits, write_captions
from unlearnable.disk import files, modes
from unlearnable.wording.escapes import json_row
from unlearnable.workflows.output.layout import METADATA, Layout
from unlearnable.workflows.protect.writing.publication import Publication


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
        files.write_text(layout.staged / METADATA, "".join(map(json_row, rows)))
        if dataset.source and dataset.source.is_file():
            modes.copy_mode(dataset.source, layout.staged / METADATA)
    return target if dataset.source else None


def _copy_modes(dataset: Dataset, layout: Layout) -> None:
    """Let those read the written caption files who may read the user's own."""
    for path in layout.staged.rglob("*"):
        own = dataset.root / path.relative_to(layout.staged)
        if dataset.source and path == layout.staged / dataset.source.name:
            own = dataset.source
        if path.is_file() and own.is_file():
            modes.copy_mode(own, path)
