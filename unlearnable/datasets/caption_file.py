"""The reader and writer of all formats with one caption file; a format adds how its text is recognised and scanned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable import files
from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.lookup import Lookup, Miss
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.text.further import further_changes
from unlearnable.datasets.text.records import Scan
from unlearnable.datasets.text.spans import Span, TextSpan, splice
from unlearnable.datasets.tree import find_photos
from unlearnable.datasets.types import ChangedField, Dataset, Edits, Pair, Skipped
from unlearnable.errors import InputError


@dataclass(frozen=True)
class CaptionFile:
    """A format that keeps its captions in one text file.

    Attributes:
        name: name of the registry row.
        suits: `(path, text)` -> whether a file is in this format.
        scan: function that takes the text apart, or raises ValueError.
        inside: names under which such a file is found in a folder.
    """

    name: str
    suits: Callable[[Path, str], bool]
    scan: Callable[[str], Scan]
    inside: tuple[str, ...] = ()

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is such a file, or a folder that holds one."""
        path = self._file(source)
        try:
            return path.is_file() and self.suits(path, read_document(path).text)
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root` that `source` names, with their captions.

        Raises:
            InputError: `source` cannot be read, or names no photo below `root`.
        """
        path = self._file(source)
        scan = self._scan(path, read_document(path).text)
        lookup = Lookup(root, path.parent, find_photos(root))
        skipped = list(scan.faults)
        pairs: list[Pair] = []
        splits: dict[str, str | None] = {}
        changed: set[ChangedField] = set()
        for number, record in enumerate(scan.records):
            photo = lookup.find(record.photo.value, record.folder)
            if isinstance(photo, Miss):
                skipped.append(Skipped(record.place, photo.reason, photo.detail))
                continue
            splits.setdefault(photo, record.split)
            pairs += [Pair(photo, caption.value, number, index) for index, caption in enumerate(record.captions)]
            changed |= {ChangedField(photo, number, field.name, field.caption is None) for field in record.further}
            if not record.captions:
                skipped.append(Skipped(record.place, "no-caption", f"{photo} has no caption there"))
        if not splits:
            first = f"; {path.name}:{skipped[0].where} is skipped as {skipped[0].reason}" if skipped else ""
            raise InputError(
                f"{path} names no photo below {root}{first}", hint="give the folder that its paths start from"
            )
        located = (replace(skip, where=f"{path.name}:{skip.where}") for skip in skipped)
        return assemble(root, splits, pairs, located, self.name, path, frozenset(changed))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write the caption file to `target` with the places that `edits` names changed and the rest as it was.

        Raises:
            InputError: the caption file has changed since it was read.
            OutputError: `target` cannot be written, or the format cannot hold a caption.
        """
        source = dataset.source
        if source is None:
            raise InputError(f"{dataset.name} was not read from a caption file")
        document = read_document(source)
        scan = self._scan(source, document.text)
        if not _same_captions(dataset, scan):
            raise InputError(f"{source} has changed since it was read", hint="start again")
        changes: list[TextSpan] = []
        kept_rows: set[Span] = set()
        lookup = Lookup(dataset.root, source.parent, (photo.id for photo in dataset.photos))
        photo_of = {pair.record: pair.photo for pair in dataset.pairs}
        for number, record in enumerate(scan.records):
            photo = photo_of.get(number) if record.captions else lookup.find(record.photo.value, record.folder)
            if isinstance(photo, str) and photo in edits.paths:
                kept_rows.update(record.rows)
                new_path = lookup.renamed(record.photo.value, photo, edits.paths[photo])
                new = [edits.captions.get((number, n), caption.value) for n, caption in enumerate(record.captions)]
                changes += _changes(
                    document.text, scan, zip((record.photo, *record.captions), (new_path, *new), strict=True)
                )
                changes += further_changes(document.text, scan, record, new, edits.keep_fields)
        changes += [TextSpan(cut.start, cut.end, "") for cut in scan.cuts(kept_rows)]
        files.write_bytes(target, document.encode(splice(document.text, changes)))

    def _file(self, source: Path) -> Path:
        inside = (source / name for name in self.inside) if source.is_dir() else ()
        return next((path for path in inside if path.is_file()), source)

    def _scan(self, path: Path, text: str) -> Scan:
        try:
            return self.scan(text)
        except ValueError as error:
            raise InputError(f"cannot read {path} as {self.name}: {error}") from error


def _same_captions(dataset: Dataset, scan: Scan) -> bool:
    """Return whether each pair that was read is still in its place."""
    now = {(n, i): caption.value for n, record in enumerate(scan.records) for i, caption in enumerate(record.captions)}
    return all(now.get((pair.record, pair.index)) == pair.caption for pair in dataset.pairs if pair.record >= 0)


def _changes(text: str, scan: Scan, new_values: Iterable[tuple[TextSpan, str]]) -> Iterator[TextSpan]:
    """Yield the new spelling of each string whose value changes."""
    for span, new in new_values:
        if new != span.value:
            yield span._replace(value=scan.spell(text[span.start : span.end], span.value, new))
