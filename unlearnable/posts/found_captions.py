"""Caption files in a folder of photos, found by their content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError, UnlearnableError
from unlearnable.posts.caption_file import NamesNoPhotoError
from unlearnable.posts.exports import Export
from unlearnable.posts.opening import REPEATED, format_hint, open_dataset, recognised
from unlearnable.posts.readers import FORMATS
from unlearnable.posts.rows import names_one
from unlearnable.posts.text import read_document
from unlearnable.posts.tree import PHOTO_SUFFIXES, is_photo
from unlearnable.posts.types import NO_RECORD, Dataset, Format
from unlearnable.storage import files

_CAPTION_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".token"})
_TABLES = frozenset({".csv", ".tsv", ".txt"})
_BESIDE = frozenset({".txt", ".json"})  # of a photo, by its name


def find_captions(folder: Path) -> list[Path]:
    """Return the caption files in a folder, recognised by their content; sub-folders are not searched.

    Files that name none of its photos are left out, and those of an export: there the folder is opened as a whole.

    Raises:
        InputError: the folder, or a file that may hold captions, cannot be read.
    """
    return [path for path, names_photos in _caption_files(folder) if names_photos]


def captions_of_others(folder: Path) -> list[Path]:
    """Return the caption files in a folder that name none of its photos.

    Raises:
        InputError: the folder, or a file that may hold captions, cannot be read.
    """
    return [path for path, names_photos in _caption_files(folder) if not names_photos]


def only_captions(folder: Path, error: type[UnlearnableError] = InputError) -> Path | None:
    """Return the only caption file in a folder; None if there is none.

    A `metadata.jsonl` that repeats the captions of the one other file, as in a published folder, does not count.

    Raises:
        error: there are several.
    """
    caption_files = find_captions(folder)
    if len(caption_files) == 2 and (copy := folder / REPEATED) in caption_files:
        other = next(path for path in caption_files if path != copy)
        if _captions_of(open_dataset(folder, other)) <= _captions_of(open_dataset(folder, copy)):
            return other
    if len(caption_files) > 1:
        names = ", ".join(path.name for path in caption_files)
        raise error(f"{folder} holds several caption files: {names}", hint="choose one with `captions`")
    return caption_files[0] if caption_files else None


def repeats_texts(captions: Path, folder: Path) -> bool:
    """Return whether a caption file is a `metadata.jsonl` that repeats the text beside each photo of its folder."""
    if captions.name != REPEATED:
        return False
    return _captions_of(FORMATS["sidecar"].read(folder, folder)) <= _captions_of(open_dataset(folder, captions))


def refuse_unreadable(folder: Path, photos: Iterable[str]) -> None:
    """Stop where a file in a folder seems to hold captions of its photos and is in no known format.

    Args:
        folder: folder of the photos, in which no captions were found.
        photos: ids of its photos; a file counts if one of its cells or strings is the name of one.

    Raises:
        InputError: there is such a file; the message names it, the hint says how to read or to pass over it.
    """
    names = {name for photo in map(PurePosixPath, photos) for name in (photo.name, photo.stem)}
    for path in [path for path, reader in _possible_captions(folder) if reader is None]:
        try:
            text = read_document(path).text
        except InputError as error:
            raise InputError(error.message, hint=f"{error.hint}, or pass over it with `captions='none'`") from error
        strings = re.findall(r'"([^"\\\n]{1,255})"', text)  # of JSON
        if path.suffix.lower() in _TABLES:
            is_captions = names_one(text, names)
        else:
            is_captions = any(one.rpartition("/")[2] in names for one in strings)
        if is_captions:
            hint = f"{format_hint(path, text)}; `captions='none'` protects the photos without captions"
            raise InputError(f"{path} seems to hold captions, and cannot be read", hint=hint)


def _caption_files(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the caption files in a folder but for those of an export, each with whether it names a photo of it.

    One that cannot even be read counts as if it did: its reader shall say so.
    """
    for path, reader in _possible_captions(folder):
        if reader is not None and not isinstance(reader, Export):
            try:
                yield path, bool(reader.read(path, folder).photos)
            except NamesNoPhotoError:
                yield path, False
            except InputError:
                yield path, True


def _possible_captions(folder: Path) -> Iterator[tuple[Path, Format | None]]:
    """Yield the files in a folder that may hold captions, each with its format, None if that is not known."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}", hint="check the file permissions") from error
    for path in paths:
        if files.is_file(path) and path.suffix.lower() in _CAPTION_SUFFIXES and not path.name.startswith("."):
            photos = (one for one in map(path.with_suffix, ("", *PHOTO_SUFFIXES)) if is_photo(one.name))
            if path.suffix.lower() in _BESIDE and any(map(files.is_file, photos)):
                continue  # the text beside a photo
            if not os.access(path, os.R_OK):
                hint = "check the file permissions, or name the captions with `captions`"
                raise InputError(f"cannot read {path}, which may hold captions: permission denied", hint=hint)
            yield path, recognised(path)


def _captions_of(dataset: Dataset) -> set[tuple[str, str]]:
    """Return the captions that the user wrote, each with its photo."""
    return {(pair.photo, pair.caption) for pair in dataset.pairs if pair.record != NO_RECORD}
