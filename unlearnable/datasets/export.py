"""The reader and writer of unpacked exports whose captions lie in several files, anywhere below the folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.caption_text import CaptionsFound, CaptionText, Revision, read_text, refuse_shorter
from unlearnable.datasets.lookup import Lookup
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.text.further import personal_in
from unlearnable.datasets.text.json_spans import json_in
from unlearnable.datasets.text.records import Scan
from unlearnable.datasets.text.repeated import repeating, said_of_repeats
from unlearnable.datasets.tree import find_files, find_photos
from unlearnable.datasets.types import Dataset, Edits, first_of
from unlearnable.disk import files
from unlearnable.errors import InputError


class _Seen(NamedTuple):
    """A file that is called as one of posts: whether it is one, and why it cannot be read; empty if it can."""

    path: Path
    of_posts: bool
    fault: str


@dataclass(frozen=True)
class Export:
    """A format of what a platform hands to its users: some of its files hold captions, and any other stays unread.

    A folder is read with all such files, and each is written back to its path below the output
    folder. One such file, given as a caption file, is read and written alone.

    Attributes:
        name: name of the registry row.
        called: pattern of the names of the files that may hold captions; platforms move them between folders, but
            hardly rename them, and what people write to each other must not be taken for posts.
        suits: function that says whether a text is such a file, or raises ValueError where it is one that is broken.
        scan: function that takes the text apart, or raises ValueError.
        completed: function that returns the scan of the file at a path with what another one says of its posts.
    """

    name: str
    called: str
    suits: Callable[[str], bool]
    scan: Callable[[str], Scan]
    completed: Callable[[Scan, Path], Scan] = lambda scan, path: scan

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is such a file, or a folder that holds one, be that damaged."""
        try:
            return any(one.of_posts and (source.is_dir() or not one.fault) for one in self._looked_at(source))
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root` that the files of `source` name, with their captions.

        Raises:
            InputError: a file cannot be read, or none names a photo below `root`.
        """
        found, lookup = CaptionsFound(), Lookup(root, root, find_photos(root))
        texts = {self._shown(text.path, source): text for text in self._texts(source)}
        for shown, text in texts.items():
            found.add(text, lookup.beside(text.path.parent), shown)
        if not found.splits:
            raise InputError(
                f"the captions in {source} name no photo below {root}{first_of(found.skipped)}",
                hint="unpack all parts of the export into one folder, and give that",
            )
        file, changed = None if source.is_dir() else source, frozenset(found.changed)
        dataset = assemble(root, found.splits, found.pairs, found.skipped, self.name, file, changed)
        wordless = Edits(
            {(pair.record, pair.index): "" for pair in found.pairs}, {photo: photo for photo in found.splits}
        )
        captions = {pair.caption for pair in found.pairs}
        edited = self._edited(dataset, wordless, texts.values())
        repeats = {self._shown(text.path, source): repeating(new, captions) for text, new in edited}
        return replace(dataset, notes=said_of_repeats(repeats))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write each file of which a post stays, with the places that `edits` names changed and the rest as it was.

        Raises:
            InputError: a file has changed since it was read.
            OutputError: one cannot be written, or cannot hold a caption.
        """
        source = dataset.source or dataset.root
        texts = list(self._texts(source))
        refuse_shorter(dataset, source, sum(len(text.scan.records) for text in texts))
        for text, new in self._edited(dataset, edits, texts):
            files.write_bytes(target / text.path.relative_to(source), text.document.encode(new))

    def files_of(self, dataset: Dataset) -> list[Path]:
        """Return the files that hold the captions of a data set."""
        return self._files(dataset.source or dataset.root)

    def _edited(self, dataset: Dataset, edits: Edits, texts: Iterable[CaptionText]) -> list[tuple[CaptionText, str]]:
        """Return each file of which a post stays, with its new text."""
        revision = Revision(dataset, edits, moved=dataset.source is not None)
        edited = [(text, text.edited(revision)) for text in texts]
        return [(text, new) for text, new in edited if dataset.source or self.suits(new)]

    @staticmethod
    def _shown(path: Path, source: Path) -> str:
        return path.relative_to(source).as_posix() if source.is_dir() else path.name

    def _scanned(self, path: Path, text: str) -> Scan:
        return replace(self.completed(self.scan(text), path), personal=tuple(personal_in(text)))

    def _texts(self, source: Path) -> Iterator[CaptionText]:
        first = 0
        for path in self._files(source):
            text = read_text(path, self.name, partial(self._scanned, path), first)
            first += len(text.scan.records)
            yield text

    def _files(self, source: Path) -> list[Path]:
        """Return the files that hold captions: those in a folder, or the file itself under whatever name.

        Raises:
            InputError: one of them is damaged, or one beside them, which may have been of posts.
        """
        seen = list(self._looked_at(source))
        folders = {one.path.parent for one in seen if one.of_posts}
        if fault := next((one.fault for one in seen if one.fault and one.path.parent in folders), ""):
            raise InputError(fault, hint="unpack the export again, or take this file out of it to leave out its posts")
        return [one.path for one in seen if one.of_posts]

    def _looked_at(self, source: Path) -> Iterator[_Seen]:
        paths = [source] if source.is_file() else []
        if source.is_dir():
            called = re.compile(self.called)
            paths = [source / name for name in find_files(source, lambda name: bool(called.fullmatch(name)))]
        return map(self._seen, paths)

    def _seen(self, path: Path) -> _Seen:
        text, fault = _text_in(path)
        try:
            of_posts, broken = self.suits(text), ""
        except ValueError as error:
            of_posts, broken = True, str(error)
        broken = broken or ("" if of_posts else _broken(text))
        if broken:
            fault = fault or f"{path} is damaged or cut short: {broken}"
        return _Seen(path, of_posts, fault if of_posts or broken else "")


def _text_in(path: Path) -> tuple[str, str]:
    """Return the text of a file, be it UTF-8 or not, and what is wrong with it, empty if nothing is."""
    try:
        return read_document(path).text, ""
    except InputError as error:
        fault = error.message
    try:
        return path.read_bytes().decode("latin-1"), fault
    except OSError:
        return "", fault


def _broken(text: str) -> str:
    """Return why a text holds no JSON; empty if it does."""
    try:
        json_in(text)
    except ValueError as error:
        return str(error)
    return ""
