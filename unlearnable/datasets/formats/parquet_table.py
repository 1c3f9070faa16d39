"""A Parquet file that names photos: a path a row, in `file_name`, `image` or the `path` of `image: {bytes, path}`."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.caption_file import NamesNoPhotoError
from unlearnable.datasets.caption_text import Key, refuse_lost
from unlearnable.datasets.lookup import Lookup, Miss
from unlearnable.datasets.shards.columns import PackedRow
from unlearnable.datasets.shards.rows import is_parquet, read_rows, rewrite_rows
from unlearnable.datasets.text.further import said_of_sentences
from unlearnable.datasets.tree import find_photos
from unlearnable.datasets.types import ChangedField, Dataset, Edits, Pair, Skipped, changed_since
from unlearnable.disk import files
from unlearnable.errors import InputError

_SNIFFED = 64  # rows


class ParquetTable:
    """A caption file whose rows are those of a Parquet file; `record` is the number of a row."""

    name = "parquet-table"

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is a Parquet file that names photos and does not hold them."""
        if not (source.is_file() and is_parquet(source)):
            return False
        rows = list(islice(read_rows(source), _SNIFFED))
        return any(row.path for row in rows) and not any(row.photo for row in rows)

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root` that `source` names, with their captions.

        Raises:
            InputError: `source` cannot be read, or names no photo below `root`.
        """
        lookup = Lookup(root, source.parent, find_photos(root))
        splits: dict[str, str | None] = {}
        pairs: list[Pair] = []
        skipped: list[Skipped] = []
        changed: set[ChangedField] = set()
        sentences: set[str] = set()
        for number, row in enumerate(read_rows(source)):
            photo = lookup.find(row.path) if row.path else Miss("no-photo", "no path")
            if isinstance(photo, Miss):
                skipped.append(Skipped(f"{source.name}:{number}", photo.reason, photo.detail))
                continue
            splits.setdefault(photo, row.split)
            pairs += [Pair(photo, caption, number, index) for index, caption in enumerate(row.captions)]
            changed |= {ChangedField(photo, number, name, caption is None) for name, caption in row.fields}
            sentences.update(row.sentences)
        if not splits:
            raise NamesNoPhotoError(
                f"{source} names no photo below {root}", hint="give the folder that its paths start from"
            )
        dataset = assemble(root, splits, pairs, skipped, self.name, source, frozenset(changed))
        return replace(dataset, notes=tuple(said_of_sentences(source.name, sentences)))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write the rows whose photos stay to `target`, changed as `edits` says.

        Raises:
            InputError: the file has changed since it was read.
            OutputError: `target` cannot be written.
        """
        if dataset.source is None:
            raise InputError(f"{dataset.name} was not read from a caption file")
        lookup = Lookup(dataset.root, dataset.source.parent, (photo.id for photo in dataset.photos))
        read = {(pair.record, pair.index): pair.caption for pair in dataset.pairs}
        numbers, kept = count(), set[Key]()

        def edit(row: PackedRow) -> dict[str, Any] | None:
            number = next(numbers)
            photo = lookup.find(row.path) if row.path else None
            if not isinstance(photo, str) or photo not in edits.paths or row.path is None:
                return None
            if any(read.get((number, index)) != caption for index, caption in enumerate(row.captions)):
                raise changed_since(dataset.source)
            kept.update((photo, number, index) for index in range(len(row.captions)))
            captions = [edits.captions.get((number, index), caption) for index, caption in enumerate(row.captions)]
            path = lookup.renamed(row.path, photo, edits.paths[photo], moved=True)
            return row.edited(None, path, captions, edits.keep_fields)

        with files.atomic(target) as temporary:
            rewrite_rows(dataset.source, temporary, edit)
            refuse_lost(dataset.source, (pair for pair in dataset.pairs if pair.record >= 0), edits, kept)


PARQUET_TABLE = ParquetTable()
