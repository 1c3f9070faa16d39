"""The reader and writer of unpacked exports whose captions lie in several files, anywhere below the folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable import files
from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.caption_text import CaptionsFound, CaptionText, read_text, refuse_shorter
from unlearnable.datasets.lookup import Lookup
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.text.further import personal_in
from unlearnable.datasets.text.records import Scan
from unlearnable.datasets.tree import find_files, find_photos
from unlearnable.datasets.types import Dataset, Edits, first_of
from unlearnable.errors import InputError


@dataclass(frozen=True)
class Export:
    """A format of what a platform hands to its users: some of its files hold captions, and any other stays unread.

    A folder is read with all such files, and each is written back to its path below the output
    folder. One such file, given as a caption file, is read and written alone.

    Attributes:
        name: name of the registry row.
        called: pattern of the names of the files that may hold captions; platforms move them between folders, but
            hardly rename them, and what people write to each other must not be taken for posts.
        suits: function that says whether a text is such a file.
        scan: function that takes the text apart, or raises ValueError.
    """

    name: str
    called: str
    suits: Callable[[str], bool]
    scan: Callable[[str], Scan]

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is such a file, or a folder that holds one."""
        try:
            return next(self._files(source), None) is not None
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root` that the files of `source` name, with their captions.

        Raises:
            InputError: a file cannot be read, or none names a photo below `root`.
        """
        found, photos = CaptionsFound(), find_photos(root)
        for text in self._texts(source):
            shown = text.path.relative_to(source).as_posix() if source.is_dir() else text.path.name
            found.add(text, Lookup(root, text.path.parent, photos), shown)
        if not found.splits:
            raise InputError(
                f"the captions in {source} name no photo below {root}{first_of(found.skipped)}",
                hint="unpack all parts of the export into one folder, and give that",
            )
        file, changed = None if source.is_dir() else source, frozenset(found.changed)
        return assemble(root, found.splits, found.pairs, found.skipped, self.name, file, changed)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write each file of which a post stays, with the places that `edits` names changed and the rest as it was.

        Raises:
            InputError: a file has changed since it was read.
            OutputError: one cannot be written, or cannot hold a caption.
        """
        source = dataset.source or dataset.root
        texts = list(self._texts(source))
        refuse_shorter(dataset, source, sum(len(text.scan.records) for text in texts))
        edited = [(text, text.edited(dataset, edits, moved=dataset.source is not None)) for text in texts]
        for text, new in edited:
            if dataset.source or self.suits(new):
                files.write_bytes(target / text.path.relative_to(source), text.document.encode(new))

    def files_of(self, dataset: Dataset) -> list[Path]:
        """Return the files that hold the captions of a data set."""
        return list(self._files(dataset.source or dataset.root))

    def _scanned(self, text: str) -> Scan:
        return replace(self.scan(text), personal=tuple(personal_in(text)))

    def _texts(self, source: Path) -> Iterator[CaptionText]:
        first = 0
        for path in self._files(source):
            text = read_text(path, self.name, self._scanned, first)
            first += len(text.scan.records)
            yield text

    def _files(self, source: Path) -> Iterator[Path]:
        """Yield the files that hold captions: those in a folder, or the file itself under whatever name."""
        paths = [source] if source.is_file() else []
        if source.is_dir():
            called = re.compile(self.called)
            paths = [source / name for name in find_files(source, lambda name: bool(called.fullmatch(name)))]
        yield from (path for path in paths if self.suits(read_document(path).text))
