"""The reader of unpacked exports whose posts lie in several files, anywhere below the folder. They are read only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from unlearnable.errors import InputError
from unlearnable.posts.caption_file import CaptionsFound, Entry, Parsed, Text, divided
from unlearnable.posts.lookup import Lookup
from unlearnable.posts.rows import loads
from unlearnable.posts.text import is_blank, read_document
from unlearnable.posts.tree import find_files, find_photos
from unlearnable.posts.types import Dataset, Edits, Skipped, assemble, first_of
from unlearnable.storage import files
from unlearnable.wording import json_row, storable

POSTS = "posts.jsonl"  # photo, caption and day of each post of an export, in the published folder


class _ExportFile(NamedTuple):
    path: Path
    value: Any
    holds_posts: bool
    fault: str  # why it cannot be read; empty if it can


@dataclass(frozen=True)
class Export:
    """A format of what a platform hands to its users: some of its files hold posts, and any other stays unread."""

    name: str  # of the registry row
    called: str  # pattern of the names of files with posts: platforms move them, but hardly rename them
    marks: tuple[str, ...]  # such a file holds one of these texts
    suits: Callable[[Any], bool]  # whether a value of JSON is that of such a file
    records: Callable[[Any, Path], Iterator[Entry | Skipped]]  # (value, path) -> its records, and posts without photos

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is such a file, or a folder that holds one, even a damaged one."""
        try:
            return any(one.holds_posts and (source.is_dir() or not one.fault) for one in self._files(source))
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos of posts; a file that may hold posts and cannot be read is an error."""
        found, lookup = CaptionsFound(), Lookup(root, root, find_photos(root))
        seen = list(self._files(source))
        of_posts = [one for one in seen if one.holds_posts]
        folders = {one.path.parent for one in of_posts}
        if fault := next((one.fault for one in seen if one.fault and one.path.parent in folders), ""):
            raise InputError(fault, hint="unpack the export again, or take this file out of it to leave out its posts")
        for one in of_posts:
            shown = one.path.relative_to(source).as_posix() if source.is_dir() else one.path.name
            found.add(Parsed(*divided(self.records(one.value, one.path))), lookup.beside(one.path.parent), shown)
        if not found.splits:
            raise InputError(
                f"the captions in {source} name no photo below {root}{first_of(found.skipped)}",
                hint="unpack all parts of the export into one folder, and give that",
            )
        dataset = assemble(root, found.splits, found.pairs, found.skipped, self.name)
        return replace(dataset, dates=found.dates, files=tuple(one.path for one in of_posts), exported=True)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write `posts.jsonl` into the folder `target`, with the posts whose photo stays."""
        write_posts(dataset, edits, target)

    def _files(self, source: Path) -> Iterator[_ExportFile]:
        """Yield the files that are called as those with posts, or the file itself under whatever name."""
        if source.is_file():
            yield self._file(source)
        elif source.is_dir():
            called = re.compile(self.called)
            for name in find_files(source, lambda name: bool(called.fullmatch(name))):
                yield self._file(source / name)

    def _file(self, path: Path) -> _ExportFile:
        try:
            text = read_document(path).text
        except InputError as error:
            return _ExportFile(path, None, False, error.message)
        is_marked = any(mark in text for mark in self.marks)
        try:
            value = loads(text)
        except ValueError as error:
            return _ExportFile(path, None, is_marked, f"{path} is damaged or cut short: {error}")
        return _ExportFile(path, value, is_marked and self.suits(value), "")


def write_posts(dataset: Dataset, edits: Edits, target: Path) -> None:
    """Write photo, caption and day of each post whose photo stays, as JSON lines in the folder `target`."""
    rows = []
    for pair in dataset.pairs:
        if pair.photo in edits.paths and pair.record >= 0:
            caption = edits.captions.get((pair.record, pair.index), pair.caption)
            row = {"photo": edits.paths[pair.photo], "caption": caption}
            rows.append(row | ({"date": day} if (day := dataset.dates.get(pair.photo)) else {}))
    if rows:
        files.write_text(target / POSTS, "".join(map(json_row, rows)))


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    """Return the objects in the list that an object holds under a name; none if there is no such list."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def object_in(value: Any, name: str) -> dict[str, Any]:
    """Return the object that an object holds under a name; an empty one if there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, dict) else {}


def text_in(value: Any, name: str, meant: Callable[[str], str] = str) -> Text | None:
    """Return the string that an object holds under a name, as it was meant; None if it is blank or absent."""
    found = value.get(name) if isinstance(value, Mapping) else None
    text = meant(found) if isinstance(found, str) else ""
    return None if is_blank(text) else Text(storable(text))


def day_of(seconds: object) -> str:
    """Return the day of a time in seconds since 1970, in UTC; empty where it is none."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def undone(text: str) -> str:
    """Return the text that was meant where its UTF-8 bytes were taken for Latin-1, as Instagram and Facebook do."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
