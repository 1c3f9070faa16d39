"""The reader and writer of all formats that hold photos in shards; a kind of shard adds how one file is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.shards.columns import EXTRA, LIBRARY
from unlearnable.datasets.shards.kind import PackedPost, PostEdits, Room, ShardKind
from unlearnable.datasets.shards.metadata import beside, rewrite_metadata
from unlearnable.datasets.text.further import said_of_sentences
from unlearnable.datasets.tree import find_files, is_photo
from unlearnable.datasets.types import ChangedField, Dataset, Edits, Pair, Skipped, changed_since
from unlearnable.disk import entries, files, modes
from unlearnable.errors import ConfigError, InputError
from unlearnable.extras import installed
from unlearnable.grouping import grouped


@dataclass(frozen=True)
class Shards:
    """A format in which the photos lie in shards, from which they are unpacked before they are read.

    The id of a photo is the path of its shard without suffix, and then its name in the shard.

    Attributes:
        name: name of the registry row.
        kind: how one shard is read and written.
    """

    name: str
    kind: ShardKind

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is a shard, or a folder that holds shards and no photos but what they unpack to."""
        try:
            loose = find_files(source, is_photo) if source.is_dir() else ()
            shards = self._shards(source)
        except InputError:
            return False
        except ConfigError:  # the library that reads them is missing
            if loose:
                return False
            raise
        return bool(shards) and all(any(photo.startswith(f"{folder}/") for _, folder in shards) for photo in loose)

    def unpack(self, source: Path, folder: Path) -> None:
        """Write the photos of all shards below `folder`.

        Raises:
            InputError: a shard is damaged, two unpack to one folder, or there is no room.
        """
        room, taken = Room(folder), dict[str, Path]()
        for shard, name in self._shards(source):
            if taken.setdefault(name.casefold(), shard) != shard:
                raise InputError(f"{shard} and {taken[name.casefold()]} have one name", hint="rename one of them")
            self.kind.unpack(shard, folder / name, room)

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos that were unpacked to `root`, with their captions; `record` counts the posts of all shards.

        Raises:
            InputError: a shard is damaged, or no photo was unpacked.
        """
        splits: dict[str, str | None] = {}
        pairs: list[Pair] = []
        skipped: list[Skipped] = []
        changed: set[ChangedField] = set()
        sentences: set[str] = set()
        for number, folder, post in self._posts(source):
            skipped += [Skipped(f"{folder}/{one.where}", one.reason, one.detail) for one in post.skipped]
            if not post.photos and not post.skipped:
                skipped.append(Skipped(f"{folder}/{post.name}", "no-photo", "a post without a photo"))
            for photo in (f"{folder}/{name}" for name in post.photos):
                if not entries.is_file(root / photo):
                    skipped.append(Skipped(photo, "bad-name", "no file can have its name"))
                    continue
                splits[photo] = post.split
                pairs += [Pair(photo, caption, number, index) for index, caption in enumerate(post.captions)]
                changed |= {ChangedField(photo, number, name, emptied) for name, emptied in post.fields}
                sentences.update(post.sentences)
        if not splits:
            raise InputError(f"the shards of {source} hold no photo that can be read")
        dataset = assemble(root, splits, pairs, skipped, self.name, None, frozenset(changed))
        notes = (*self._notes(source), *said_of_sentences(source.name, sentences))
        return replace(dataset, name=source.resolve().name, shards=source, notes=notes)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write all shards below the folder `target`, with the photos that lie there under the names of `edits`.

        Raises:
            InputError: a shard has changed since it was read.
            OutputError: one cannot be written.
        """
        if dataset.shards is None:
            raise InputError(f"{dataset.name} was not read from shards")
        posts = grouped((folder, (number, post)) for number, folder, post in self._posts(dataset.shards))
        there = {f"{folder}/{name}" for folder, rows in posts.items() for _, post in rows for name in post.photos}
        if gone := edits.paths.keys() - there:
            raise InputError(f"{min(gone)} is in its shard no more", hint="start again")
        read = {(pair.record, pair.index): pair.caption for pair in dataset.pairs}
        for shard, folder in self._shards(dataset.shards):
            changes = [_edits_of(folder, number, post, read, edits, target) for number, post in posts[folder]]
            path = target / PurePosixPath(folder).with_name(shard.name)
            with files.atomic(path) as temporary:
                self.kind.rewrite(shard, temporary, iter(changes))
            modes.copy_mode(shard, path)
            metadata = beside(shard)
            if metadata and installed(LIBRARY):
                kept = {
                    post.name: dict(zip(post.captions, change.captions, strict=True))
                    for (_, post), change in zip(posts[folder], changes, strict=True)
                    if change.photos
                }
                rewrite_metadata(metadata, path.with_name(metadata.name), kept, edits.keep_fields)

    def paths(self, source: Path) -> list[Path]:
        """Return the files that are read and written back: shards, and the metadata beside them."""
        shards = [path for path, _ in self._shards(source)]
        return [*shards, *filter(None, map(beside, shards if installed(LIBRARY) else ()))]

    def _notes(self, source: Path) -> tuple[str, ...]:
        found = [path for path, _ in self._shards(source) if beside(path)]
        if not found or installed(LIBRARY):
            return ()
        return (
            f"{len(found)} Parquet files beside shards are left out: pip install 'unlearnable[{EXTRA}]' reads them",
        )

    def _posts(self, source: Path) -> Iterator[tuple[int, str, PackedPost]]:
        """Yield the posts of all shards, numbered, each with the folder that its shard is unpacked to."""
        shards = self._shards(source)
        posts = ((folder, post) for shard, folder in shards for post in self.kind.posts(shard))
        yield from ((number, *post) for number, post in enumerate(posts))

    def _shards(self, source: Path) -> list[tuple[Path, str]]:
        """Return the shards in a folder, or the one that `source` is, each with the folder that it is unpacked to."""
        paths = [source] if source.is_file() and self._is_called_so(source.name) else []
        if source.is_dir():
            paths = [source / name for name in find_files(source, self._is_called_so)]
        root = source if source.is_dir() else source.parent
        return [
            (path, path.relative_to(root).with_suffix("").as_posix()) for path in paths if self.kind.holds_photos(path)
        ]

    def _is_called_so(self, name: str) -> bool:
        return name.lower().endswith(self.kind.suffix)


def _edits_of(
    folder: str,
    number: int,
    post: PackedPost,
    read: Mapping[tuple[int, int], str],
    edits: Edits,
    target: Path,
) -> PostEdits:
    """Return what becomes of a post, after checking that its captions are those that were read."""
    photos = {name: edits.paths[photo] for name in post.photos if (photo := f"{folder}/{name}") in edits.paths}
    if photos and any(read.get((number, index)) != caption for index, caption in enumerate(post.captions)):
        raise changed_since(f"the shard {folder}")
    return PostEdits(
        {name: (new.removeprefix(f"{folder}/"), target / new) for name, new in photos.items()},
        [edits.captions.get((number, index), caption) for index, caption in enumerate(post.captions)],
        edits.keep_fields,
    )
