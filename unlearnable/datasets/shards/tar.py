"""Shards of webdataset and img2dataset: a tar whose members `0001.jpg`, `0001.txt` and `0001.json` are one post."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath

from unlearnable.datasets.others import RAW
from unlearnable.datasets.shards.kind import (
    HEAD,
    LARGEST,
    LARGEST_TEXT,
    PackedPost,
    PostEdits,
    Room,
    damaged,
    is_picture,
    usable_name,
)
from unlearnable.datasets.shards.texts import TEXTS, PackedText, captions_in, take_apart
from unlearnable.datasets.text.further import is_sentence
from unlearnable.datasets.tree import is_photo
from unlearnable.datasets.types import Skipped
from unlearnable.disk import files

_LONGEST = 1 << 16  # bytes of a text that may describe a photo


@dataclass
class _Group:
    """The members of one post, in order, without those that cannot be used."""

    post: PackedPost
    texts: dict[str, PackedText] = field(default_factory=dict)


class Tar:
    """Shards that are uncompressed tar files."""

    suffix = ".tar"

    def holds_photos(self, shard: Path) -> bool:
        """Return whether a file is a tar with at least one photo."""
        try:
            with tarfile.open(shard, "r:") as opened:
                return any(is_photo(info.name) and info.isfile() for info in opened)
        except (tarfile.TarError, OSError):
            return False

    def posts(self, shard: Path) -> Iterator[PackedPost]:
        """Yield the posts of a shard in the order of their first members."""
        with _reading(shard) as opened:
            yield from (group.post for group in _groups(opened).values())

    def unpack(self, shard: Path, folder: Path, room: Room) -> None:
        """Write the photos of a shard into a folder."""
        with _reading(shard) as opened:
            for info in _usable(opened):
                if not is_photo(info.name):
                    continue
                room.take(info.size)
                target, data = folder / _name(info), opened.extractfile(info)
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("xb") as written:
                        while data and (chunk := data.read(1 << 20)):
                            written.write(chunk)
                except OSError as error:
                    if error.errno in files.FULL:
                        raise files.write_error(target, error) from error
                    continue  # a name that the file system does not take: its reader misses it

    def rewrite(self, shard: Path, target: Path, edits: Iterator[PostEdits]) -> None:
        """Write a copy of a shard; members of posts that stay keep their order, and what is no text stays as it is."""
        with _reading(shard) as opened, tarfile.open(target, "w") as written:
            groups = _groups(opened)
            changes = dict(zip(groups, edits, strict=True))
            for info in _usable(opened):
                key = _key(info)
                group, change = groups[key], changes[key]
                name = _name(info)
                if name in change.photos:
                    new, path = change.photos[name]
                    with path.open("rb") as photo:
                        written.addfile(_renamed(info, new, path.stat().st_size), photo)
                elif is_photo(name) or not change.photos or (_is_text(info) and name not in group.texts):
                    continue  # left out, or a text that could not be read
                elif name in group.texts:
                    old = group.post.captions
                    data = group.texts[name].edited(old, change.captions, change.keep_fields)
                    written.addfile(_renamed(info, name, len(data)), BytesIO(data))
                else:
                    written.addfile(_renamed(info, name, info.size), opened.extractfile(info))


@contextmanager
def _reading(shard: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(shard, "r:") as opened:
            yield opened
    except (tarfile.TarError, EOFError) as error:
        raise damaged(shard, error) from error


def _groups(opened: tarfile.TarFile) -> dict[str, _Group]:
    """Return the posts of a tar by what the names of their members have in common."""
    groups: dict[str, _Group] = {}
    for info, fault in _members(opened):
        group = groups.setdefault(_key(info), _Group(PackedPost(_key(info))))
        if fault is not None:
            group.post.skipped.append(fault)
        elif is_photo(info.name):
            group.post.photos.append(_name(info))
        elif _is_text(info):
            _add_text(opened, info, group)
        elif _is_sentence(opened, info):
            group.post.sentences.append(PurePosixPath(info.name).suffix or info.name)
    for group in groups.values():
        texts = list(group.texts.values())
        group.post.captions = captions_in(texts)
        records = [text.record(group.post.captions) for text in texts]
        group.post.fields = [(one.name, one.caption is None) for record in records for one in record.further]
        group.post.sentences += [name for record in records for name in record.sentences]
    return groups


def _add_text(opened: tarfile.TarFile, info: tarfile.TarInfo, group: _Group) -> None:
    data = opened.extractfile(info) if info.size <= LARGEST_TEXT else None
    try:
        if data is None:
            raise ValueError("too large for a text")
        group.texts[_name(info)] = take_apart(info.name, data.read())
    except ValueError as error:
        group.post.skipped.append(Skipped(_name(info), "bad-row", f"left out: {error}"))


def _is_sentence(opened: tarfile.TarFile, info: tarfile.TarInfo) -> bool:
    """Return whether a member that is read as no text is a short one of several words, as `1.alt` may be."""
    data = opened.extractfile(info) if info.size <= _LONGEST else None
    try:
        text = data.read().decode() if data else ""
    except UnicodeDecodeError:
        return False
    return "\0" not in text and is_sentence(info.name, text)


def _usable(opened: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    return (info for info, fault in _members(opened) if fault is None)


def _members(opened: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, Skipped | None]]:
    """Yield the members that are no folders, each with the reason why it cannot be used, if there is one."""
    seen: set[str] = set()
    for info in opened:
        if info.isdir():
            continue
        name, fault = _name(info), None
        if not info.isfile() or info.issparse():
            fault = Skipped(name, "link", "no ordinary file, which is neither read nor copied")
        elif ".." in name.split("/") or name.startswith("/") or (is_photo(name) and not usable_name(name)):
            fault = Skipped(name, "bad-name", "a name that leads out of the shard, or is hidden")
        elif name.casefold() in seen:
            fault = Skipped(name, "duplicate", "a name that the shard has twice; the first one counts")
        elif PurePosixPath(name).suffix.lower() in RAW:
            fault = Skipped(name, "raw", "a photo as the camera took it, which gets no noise")
        elif is_photo(name) and info.size > LARGEST:
            fault = Skipped(name, "too-large", f"more than {LARGEST >> 20} MB")
        elif not is_photo(name) and not _is_text(info) and is_picture(_head(opened, info)):
            fault = Skipped(name, "picture", "a picture under a name that is no photo's, which gets no noise")
        seen.add(name.casefold())
        yield info, fault
    _refuse_cut_off(opened)


def _head(opened: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    data = opened.extractfile(info)
    return data.read(HEAD) if data else b""


def _refuse_cut_off(opened: tarfile.TarFile) -> None:
    """Stop at a tar without the block of zeros that ends it: `tarfile` takes a head that is cut off for the end."""
    assert opened.fileobj is not None
    opened.fileobj.seek(opened.offset)
    if opened.fileobj.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise tarfile.ReadError("it is cut off")


def _name(info: tarfile.TarInfo) -> str:
    return info.name.removeprefix("./")


def _key(info: tarfile.TarInfo) -> str:
    """Return what the members of one post have in common: the path up to the first dot of the name."""
    folder, slash, name = _name(info).rpartition("/")
    return folder + slash + name.partition(".")[0]


def _is_text(info: tarfile.TarInfo) -> bool:
    return info.name.lower().endswith(TEXTS)


def _renamed(info: tarfile.TarInfo, name: str, size: int) -> tarfile.TarInfo:
    """Return the head of a member with another name and size, and owner, times and rights as they were."""
    new = copy(info)
    new.name, new.size = info.name.removesuffix(_name(info)) + name, size
    new.pax_headers = {key: value for key, value in info.pax_headers.items() if key not in ("path", "size")}
    return new
