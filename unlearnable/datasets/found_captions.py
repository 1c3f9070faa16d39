"""Caption files in a folder of photos, found by what they hold."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from unlearnable import files
from unlearnable.datasets.base import Format
from unlearnable.datasets.caption_file import NamesNoPhotoError
from unlearnable.datasets.export import Export
from unlearnable.datasets.formats import FORMATS
from unlearnable.datasets.formats.sidecar import text_beside
from unlearnable.datasets.opening import REPEATED, open_dataset
from unlearnable.datasets.recognition import AS_CSV, SPREADSHEETS, TABLES, hint_for, recognised
from unlearnable.datasets.shards.columns import LIBRARY
from unlearnable.datasets.shards.rows import is_parquet
from unlearnable.datasets.text import csv_rows
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.tree import PHOTO_SUFFIXES, is_photo
from unlearnable.datasets.types import NO_RECORD, Dataset
from unlearnable.errors import InputError, UnlearnableError
from unlearnable.extras import installed
from unlearnable.wording import counted

_CAPTION_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".token", ".parquet"})
_BESIDE = frozenset({".txt", ".json"})  # of a photo, by its name
_BEGINNING = 1 << 16  # characters in which a file that is about photos names one


def find_captions(folder: Path) -> list[Path]:
    """Return the caption files in a folder, recognised by their content; sub-folders are not searched.

    Files that name none of its photos are left out, and those of an export: there the folder is opened as a whole.

    Raises:
        InputError: the folder, or a file that may hold captions, cannot be read.
    """
    return [path for path, reader in _caption_files(folder) if _names_photos(reader, path, folder)]


def captions_of_others(folder: Path) -> list[Path]:
    """Return the caption files in a folder that name none of its photos.

    Raises:
        InputError: the folder, or a file that may hold captions, cannot be read.
    """
    return [path for path, reader in _caption_files(folder) if not _names_photos(reader, path, folder)]


def unread_captions(folder: Path, photos: Iterable[str]) -> list[str]:
    """Return a line for each file in a folder that seems to hold captions and cannot be read: why, and what to do.

    Texts beside photos, of which none can be read, have one line in common.

    Args:
        folder: folder of the photos, which holds no captions that can be read.
        photos: their ids; a text counts if it names one of them, in the cell of a table also without its suffix.

    Raises:
        InputError: the folder, or a file that may hold captions, cannot be read.
    """
    paths = [PurePosixPath(photo) for photo in photos]
    texts = [found for photo in paths if (found := text_beside(folder / photo))]
    names, stems = ({path.name for path in paths}, {path.stem for path in paths if not path.stem.isdigit()})
    lines = [
        f"{path.name} is a spreadsheet: it is not read; {AS_CSV}"
        for path in _listed(folder)
        if path.suffix.lower() in SPREADSHEETS and not path.name.startswith((".", "~"))
    ]
    for path, reader in _possible_captions(folder):
        text, is_utf8 = _beginning(path) if reader is None else ("", True)
        in_cells = path.suffix.lower() in TABLES and csv_rows.names_one(text, stems)
        if in_cells or any(name in text for name in names):
            why = f"in no known format: it is not read; {hint_for(path, text)}"
            why = why if is_utf8 else "not text in UTF-8: it is not read; save it as UTF-8"
            lines.append(f"{path.name} names photos and is {why}")
    return [*lines, *_unread_texts(texts)]


def _unread_texts(texts: list[Path]) -> Iterator[str]:
    """Yield the line on texts beside photos where the first cannot be read."""
    try:
        for text in texts[:1]:
            read_document(text)
    except InputError as error:
        more = f" (and {counted(len(texts) - 1, 'more text')} beside photos)" if len(texts) > 1 else ""
        yield f"{error.message}: it is not read{more}; {error.hint}"


def _caption_files(folder: Path) -> Iterator[tuple[Path, Format]]:
    """Yield the caption files in a folder, each with its format, but for those of an export."""
    for path, reader in _possible_captions(folder):
        if reader is not None and not isinstance(reader, Export):
            yield path, reader


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}", hint="check the file permissions") from error


def _beginning(path: Path) -> tuple[str, bool]:
    """Return the beginning of a file, and whether that is text as it can be read; if not, at least what is ASCII."""
    try:
        text = read_document(path).text[:_BEGINNING]
        return text.replace("\0", ""), "\0" not in text
    except InputError:
        with path.open("rb") as file:
            return file.read(_BEGINNING).replace(b"\0", b"").decode("latin-1"), False


def _possible_captions(folder: Path) -> Iterator[tuple[Path, Format | None]]:
    """Yield the files in a folder that may hold captions, each with its format, None if that is not known."""
    for path in _listed(folder):
        if files.is_file(path) and path.suffix.lower() in _CAPTION_SUFFIXES and not path.name.startswith("."):
            photos = (one for one in map(path.with_suffix, ("", *PHOTO_SUFFIXES)) if is_photo(one.name))
            if path.suffix.lower() in _BESIDE and any(map(files.is_file, photos)):
                continue  # the text beside a photo
            if is_parquet(path) and not installed(LIBRARY):
                continue
            if not os.access(path, os.R_OK):
                hint = "check the file permissions, or name the captions with --captions"
                raise InputError(f"cannot read {path}, which may hold captions: permission denied", hint=hint)
            yield path, recognised(path)


def only_captions(folder: Path, error: type[UnlearnableError] = InputError) -> Path | None:
    """Return the only caption file in a folder; None if there is none.

    A `metadata.jsonl` that repeats the captions of the one other file, as in a published folder, does not count.

    Args:
        folder: folder of photos.
        error: what is raised where there are several.
    """
    caption_files = find_captions(folder)
    if len(caption_files) == 2 and (copy := folder / REPEATED) in caption_files:
        other = next(path for path in caption_files if path != copy)
        if _captions_of(open_dataset(folder, other)) <= _captions_of(open_dataset(folder, copy)):
            return other
    if len(caption_files) > 1:
        names = ", ".join(path.name for path in caption_files)
        raise error(f"{folder} holds several caption files: {names}", hint="choose one with --captions FILE")
    return caption_files[0] if caption_files else None


def repeats_texts(captions: Path, folder: Path) -> bool:
    """Return whether a caption file is a `metadata.jsonl` that repeats the text beside each photo of its folder."""
    if captions.name != REPEATED:
        return False
    return _captions_of(FORMATS["sidecar"].read(folder, folder)) <= _captions_of(open_dataset(folder, captions))


def _names_photos(reader: Format, captions: Path, folder: Path) -> bool:
    """Return whether a caption file names a photo of a folder, or cannot even be read, which its reader shall say."""
    try:
        return bool(reader.read(captions, folder).photos)
    except NamesNoPhotoError:
        return False
    except InputError:
        return True


def _captions_of(dataset: Dataset) -> set[tuple[str, str]]:
    """Return the captions that the user wrote, each with its photo."""
    return {(pair.photo, pair.caption) for pair in dataset.pairs if pair.record != NO_RECORD}
