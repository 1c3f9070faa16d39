"""The reader and writer of all formats with one caption file; a format adds how its text is recognised and scanned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.caption_text import CaptionsFound, Revision, read_text, refuse_shorter
from unlearnable.datasets.lookup import Lookup
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.text.records import Scan
from unlearnable.datasets.tree import find_photos
from unlearnable.datasets.types import Dataset, Edits, first_of
from unlearnable.disk import files
from unlearnable.errors import InputError


class NamesNoPhotoError(InputError):
    """A caption file names no photo of its folder."""


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
        path, found = self._file(source), CaptionsFound()
        text = read_text(path, self.name, self.scan)
        found.add(text, Lookup(root, path.parent, find_photos(root)), path.name)
        if not found.splits:
            raise NamesNoPhotoError(
                f"{path} names no photo below {root}{first_of(found.skipped)}",
                hint="give the folder that its paths start from",
            )
        dataset = assemble(root, found.splits, found.pairs, found.skipped, self.name, path, frozenset(found.changed))
        return replace(dataset, notes=found.notes(text, path.name))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write the caption file to `target` with the places that `edits` names changed and the rest as it was.

        Raises:
            InputError: the caption file has changed since it was read.
            OutputError: `target` cannot be written, or the format cannot hold a caption.
        """
        if dataset.source is None:
            raise InputError(f"{dataset.name} was not read from a caption file")
        text = read_text(dataset.source, self.name, self.scan)
        refuse_shorter(dataset, dataset.source, len(text.scan.records))
        files.write_bytes(target, text.document.encode(text.edited(Revision(dataset, edits, moved=True))))

    def _file(self, source: Path) -> Path:
        inside = (source / name for name in self.inside) if source.is_dir() else ()
        return next((path for path in inside if path.is_file()), source)
