"""The reader of unpacked exports whose posts lie in several files, anywhere below the folder. They are read only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from unlearnable.errors import InputError
from unlearnable.posts.assembly import assemble
from unlearnable.posts.caption_file import CaptionsFound
from unlearnable.posts.json_rows import loads
from unlearnable.posts.lookup import Lookup
from unlearnable.posts.records import Entry, Parsed, Text, told_apart
from unlearnable.posts.text import is_blank, read_document
from unlearnable.posts.tree import find_files, find_photos
from unlearnable.posts.types import Dataset, Edits, Skipped, first_of
from unlearnable.storage import files
from unlearnable.wording import json_row, storable

POSTS = "posts.jsonl"  # photo, caption and day of each post, in the published folder


class _Seen(NamedTuple):
    """A file that is called as one of posts: its value, whether it is one, and why it cannot be read; empty if not."""

    path: Path
    value: Any
    of_posts: bool
    fault: str


@dataclass(frozen=True)
class Export:
    """A format of what a platform hands to its users: some of its files hold posts, and any other stays unread.

    Attributes:
        name: name of the registry row.
        called: pattern of the names of the files that may hold posts; platforms move them between folders, but
            hardly rename them, and what people write to each other must not be taken for posts.
        marks: texts of which such a file holds one.
        suits: function that says whether a value of JSON is that of such a file.
        records: `(value, path)` -> the records of a file, and what stands for posts without photos.
    """

    name: str
    called: str
    marks: tuple[str, ...]
    suits: Callable[[Any], bool]
    records: Callable[[Any, Path], Iterator[Entry | Skipped]]

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is such a file, or a folder that holds one, be that damaged."""
        try:
            return any(one.of_posts and (source.is_dir() or not one.fault) for one in self._seen_in(source))
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root` that the posts of `source` name, with their captions.

        Raises:
            InputError: a file cannot be read, or none names a photo below `root`.
        """
        found, lookup = CaptionsFound(), Lookup(root, root, find_photos(root))
        for one in self._files(source):
            shown = one.path.relative_to(source).as_posix() if source.is_dir() else one.path.name
            parsed = Parsed(*told_apart(self.records(one.value, one.path)))
            found.add(parsed, lookup.beside(one.path.parent), shown)
        if not found.splits:
            raise InputError(
                f"the captions in {source} name no photo below {root}{first_of(found.skipped)}",
                hint="unpack all parts of the export into one folder, and give that",
            )
        dataset = assemble(root, found.splits, found.pairs, found.skipped, self.name, None)
        return replace(dataset, dates=found.dates)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write `posts.jsonl` into the folder `target`, with the posts whose photo stays."""
        write_posts(dataset, edits, target)

    def files_of(self, dataset: Dataset) -> list[Path]:
        """Return the files that hold the captions of a data set."""
        return [one.path for one in self._seen_in(dataset.root) if one.of_posts]

    def _files(self, source: Path) -> list[_Seen]:
        """Return the files that hold posts: those in a folder, or the file itself under whatever name.

        Raises:
            InputError: one of them is damaged, or one beside them, which may have been of posts.
        """
        seen = list(self._seen_in(source))
        folders = {one.path.parent for one in seen if one.of_posts}
        if fault := next((one.fault for one in seen if one.fault and one.path.parent in folders), ""):
            raise InputError(fault, hint="unpack the export again, or take this file out of it to leave out its posts")
        return [one for one in seen if one.of_posts]

    def _seen_in(self, source: Path) -> Iterator[_Seen]:
        paths = [source] if source.is_file() else []
        if source.is_dir():
            called = re.compile(self.called)
            paths = [source / name for name in find_files(source, lambda name: bool(called.fullmatch(name)))]
        return map(self._seen, paths)

    def _seen(self, path: Path) -> _Seen:
        try:
            text = read_document(path).text
        except InputError as error:
            return _Seen(path, None, False, error.message)
        marked = any(mark in text for mark in self.marks)
        try:
            value = loads(text)
        except ValueError as error:
            return _Seen(path, None, marked, f"{path} is damaged or cut short: {error}")
        return _Seen(path, value, marked and self.suits(value), "")


def write_posts(dataset: Dataset, edits: Edits, target: Path) -> None:
    """Write photo, caption and day of each post whose photo stays, as JSON lines.

    Args:
        dataset: the posts as they were read.
        edits: new captions, and paths of the photos that stay.
        target: the output folder.
    """
    rows = []
    for pair in dataset.pairs:
        if pair.photo in edits.paths and pair.record >= 0:
            caption = edits.captions.get((pair.record, pair.index), pair.caption)
            row = {"photo": edits.paths[pair.photo], "caption": storable(caption)}
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
    return None if is_blank(text) else Text(text)


def day_of(seconds: object) -> str:
    """Return the day of a time in seconds since 1970, in UTC; empty where it is none."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""
