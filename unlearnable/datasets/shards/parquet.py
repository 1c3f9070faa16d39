"""Shards that are Parquet files: a photo a row, in `jpg` as img2dataset writes it, or in `image: {bytes, path}`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnable import files
from unlearnable.datasets.shards.kind import LARGEST, PackedPost, PostEdits, Room, usable_name
from unlearnable.datasets.shards.rows import PackedRow, is_parquet, read_rows, rewrite_rows, with_suffix
from unlearnable.datasets.types import Skipped

_SNIFFED = 64  # rows
_KINDS = {b"\x89PNG": ".png", b"RIFF": ".webp", b"GIF8": ".gif", b"II*\0": ".tif", b"MM\0*": ".tif", b"BM": ".bmp"}


class Parquet:
    """Shards that are Parquet files; a photo is called as its path ends, or else by the number of its row."""

    suffix = ".parquet"

    def holds_photos(self, shard: Path) -> bool:
        """Return whether a file is Parquet with a photo in one of its first rows."""
        return is_parquet(shard) and any(row.photo for row in islice(read_rows(shard), _SNIFFED))

    def posts(self, shard: Path) -> Iterator[PackedPost]:
        """Yield the rows of a shard."""
        for name, row in _named(read_rows(shard)):
            fields = [(field, caption is None) for field, caption in row.fields]
            post = PackedPost(name, captions=row.captions, fields=fields)
            if row.photo and len(row.photo) > LARGEST:
                post.skipped.append(Skipped(name, "too-large", f"more than {LARGEST >> 20} MB"))
            elif row.photo:
                post.photos.append(name)
            yield post

    def unpack(self, shard: Path, folder: Path, room: Room) -> None:
        """Write the photos of a shard into a folder."""
        with files.reporting_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name, row in _named(read_rows(shard)):
                if row.photo and len(row.photo) <= LARGEST:
                    room.take(len(row.photo))
                    (folder / name).write_bytes(row.photo)

    def rewrite(self, shard: Path, target: Path, edits: Iterator[PostEdits]) -> None:
        """Write a copy of a shard with the rows that stay."""

        def edit(number: int, row: PackedRow) -> dict[str, Any] | None:
            change = next(edits)
            for name, (new, path) in change.photos.items():  # of one row, one at most
                same = PurePosixPath(new).suffix == PurePosixPath(name).suffix
                shown = row.path if same else with_suffix(row.path, PurePosixPath(new).suffix)
                return row.edited(path.read_bytes(), shown, change.captions, change.keep_fields)
            return None

        rewrite_rows(shard, target, edit)


def _named(rows: Iterable[PackedRow]) -> Iterator[tuple[str, PackedRow]]:
    """Yield rows, each with a name that no other has."""
    seen: set[str] = set()
    for number, row in enumerate(rows):
        name = PurePosixPath(row.path or "").name
        if not usable_name(name) or name.casefold() in seen:
            name = f"{number:08d}{_suffix(row.photo or b'')}"
        while name.casefold() in seen:
            name = f"0{name}"
        seen.add(name.casefold())
        yield name, row


def _suffix(data: bytes) -> str:
    """Return the suffix of a photo by its first bytes; its reader finds out if it is none."""
    if data[4:8] == b"ftyp":
        return ".avif" if data[8:12] in (b"avif", b"avis") else ".heic"
    return next((suffix for start, suffix in _KINDS.items() if data.startswith(start)), ".jpg")
