"""Shards that are Parquet files: a photo a row, in `jpg` as img2dataset writes it, or in `image: {bytes, path}`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnable.datasets.shards.columns import PackedRow
from unlearnable.datasets.shards.kind import LARGEST, PackedPost, PostEdits, Room, usable_name
from unlearnable.datasets.shards.rows import is_parquet, read_note, read_rows, rewrite_rows, with_suffix
from unlearnable.datasets.types import Skipped
from unlearnable.disk import files

_SNIFFED = 64  # rows
_NAMES = "file_names"  # what a copy says of its photos, where its rows alone would name them otherwise than the run did
_KINDS = {b"\x89PNG": ".png", b"RIFF": ".webp", b"GIF8": ".gif", b"II*\0": ".tif", b"MM\0*": ".tif", b"BM": ".bmp"}


class Parquet:
    """Shards that are Parquet files; a photo is called as its path ends, or else by the number of its row.

    Where rows before it were left out of a copy, its photo keeps its name: the file says so.
    """

    suffix = ".parquet"

    def holds_photos(self, shard: Path) -> bool:
        """Return whether a file is Parquet with a photo in one of its first rows."""
        return is_parquet(shard) and any(row.photo for row in islice(read_rows(shard), _SNIFFED))

    def posts(self, shard: Path) -> Iterator[PackedPost]:
        """Yield the rows of a shard."""
        for name, row in _named(shard):
            fields = [(field, caption is None) for field, caption in row.fields]
            post = PackedPost(name, captions=row.captions, fields=fields, sentences=row.sentences, split=row.split)
            if row.photo and len(row.photo) > LARGEST:
                post.skipped.append(Skipped(name, "too-large", f"more than {LARGEST >> 20} MB"))
            elif row.photo:
                post.photos.append(name)
            yield post

    def unpack(self, shard: Path, folder: Path, room: Room) -> None:
        """Write the photos of a shard into a folder."""
        with files.reporting_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name, row in _named(shard):
                if row.photo and len(row.photo) <= LARGEST:
                    room.take(len(row.photo))
                    (folder / name).write_bytes(row.photo)

    def rewrite(self, shard: Path, target: Path, edits: Iterator[PostEdits]) -> None:
        """Write a copy of a shard with the rows that stay."""

        names: list[str] = []
        told_by_rows: list[str] = []
        seen: set[str] = set()

        def edit(row: PackedRow) -> dict[str, Any] | None:
            change = next(edits)
            for name, (new, path) in change.photos.items():  # of one row, one at most
                same = PurePosixPath(new).suffix == PurePosixPath(name).suffix
                shown, photo = row.path if same else with_suffix(row.path, PurePosixPath(new).suffix), path.read_bytes()
                names.append(new)
                told_by_rows.append(_free_name(len(told_by_rows), shown, photo, seen))
                return row.edited(photo, shown, change.captions, change.keep_fields)
            return None

        rewrite_rows(shard, target, edit, notes=lambda: {_NAMES: json.dumps(names)} if names != told_by_rows else {})


def _named(shard: Path) -> Iterator[tuple[str, PackedRow]]:
    """Yield rows, each with a name that no other has."""
    seen: set[str] = set()
    names = _told(shard)
    for number, row in enumerate(read_rows(shard)):
        yield _free_name(number, names.get(number, row.path), row.photo, seen), row


def _told(shard: Path) -> dict[int, str]:
    """Return the names of photos that a copy notes, by the number of the row."""
    try:
        names = json.loads(read_note(shard, _NAMES) or "[]")
    except (ValueError, RecursionError):  # somebody else's
        return {}
    listed = names if isinstance(names, list) else []
    return {number: name for number, name in enumerate(listed) if isinstance(name, str)}


def _free_name(number: int, path: str | None, photo: bytes | None, seen: set[str]) -> str:
    """Return a name for the photo of a row that none of `seen` has, case-folded, and add it to those."""
    name = PurePosixPath(path or "").name
    if not usable_name(name) or name.casefold() in seen:
        name = f"{number:08d}{_suffix(photo or b'')}"
    while name.casefold() in seen:
        name = f"0{name}"
    seen.add(name.casefold())
    return name


def _suffix(data: bytes) -> str:
    """Return the suffix of a photo by its first bytes; its reader finds out if it is none."""
    if data[4:8] == b"ftyp":
        return ".avif" if data[8:12] in (b"avif", b"avis") else ".heic"
    return next((suffix for start, suffix in _KINDS.items() if data.startswith(start)), ".jpg")
