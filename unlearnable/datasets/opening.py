"""Open a data set of any format, and write its captions back in the same one."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from unlearnable import files
from unlearnable.datasets.assembly import with_unnamed, with_unnamed_counted
from unlearnable.datasets.base import Format
from unlearnable.datasets.caption_file import NamesNoPhotoError
from unlearnable.datasets.export import Export
from unlearnable.datasets.exported import with_publishable, without_messages
from unlearnable.datasets.faces.posts import FORMAT
from unlearnable.datasets.formats import FORMATS
from unlearnable.datasets.formats.table import table_of
from unlearnable.datasets.shards.columns import LIBRARY
from unlearnable.datasets.shards.format import Shards
from unlearnable.datasets.shards.rows import is_parquet
from unlearnable.datasets.text import csv_rows
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.text.json_spans import decode
from unlearnable.datasets.tree import PHOTO_SUFFIXES, find_files, is_photo, unreadable
from unlearnable.datasets.types import NO_RECORD, Columns, Dataset, Edits
from unlearnable.errors import ConfigError, InputError, UnlearnableError
from unlearnable.extras import installed
from unlearnable.scratch import scratch_folder

_FACES = Path(FORMAT)
REPEATED = "metadata.jsonl"  # written beside the captions of every published folder
_CAPTION_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".token", ".parquet"})
_BESIDE = frozenset({".txt", ".json"})  # of a photo, by its name
_ARCHIVES = frozenset({".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip"})
_TABLES = frozenset({".csv", ".tsv", ".txt"})
_SPREADSHEETS = frozenset({".xlsx", ".xls", ".ods", ".numbers"})
_BEGINNING = 1 << 16  # characters in which a file that is about photos names one
_NEEDS_HEADING = "a CSV or TSV needs a first row that names its columns, such as filepath and title"
_AS_CSV = "save it as CSV, with a first row that names its columns, such as filename and caption"
_NEEDS_KEYS = 'write one JSON object per line, such as {"image": "a.jpg", "caption": "a dog"}'
_HINTS = dict.fromkeys(_TABLES, _NEEDS_HEADING) | {".jsonl": _NEEDS_KEYS, ".ndjson": _NEEDS_KEYS}


def open_dataset(photos: Path, captions: Path | None = None, columns: Columns | None = None) -> Dataset:
    """Read photos and their captions, whatever format the captions are in.

    Photos in shards are unpacked to a temporary folder first, which is removed when the program ends.

    Args:
        photos: a folder, of which all photos are read; a caption file, of which the photos
            that it names are read, from the file's own folder; or a shard, or a folder of shards, which hold photos.
        captions: a caption file for the photos of a folder (`only_captions` finds it). Without one, or where it is
            the folder itself, that is searched for `metadata.jsonl` or `metadata.csv`, for the files of an unpacked
            export, then for a `.txt` or `.caption` beside each photo.
            The word `people`, unless there is a file of that name, reads a folder of faces in any
            layout that `open_people` knows; the captions then hold invented names.
        columns: the columns of a CSV or TSV that hold photo and caption; by default those that its heading names.

    Returns:
        A data set in which every photo has a caption; those that no caption file gives come
        from a template, with `record` -1. A data set of faces holds only photos of known people, an
        export only those of posts.

    Raises:
        InputError: a path does not exist or cannot be read, or there is no photo.
        ConfigError: two caption files were given, or columns without a caption file.
    """
    if columns is not None and not (captions or photos).is_file():
        raise ConfigError("--photo-column and --caption-column need the caption file", hint="add --captions FILE")
    faces = is_word_for_people(captions)
    source = photos if captions is None or faces else captions
    for path in (photos, source):
        if not path.exists():
            raise files.missing(path)
    if (packed := shards_of(photos)) and not faces:
        folder = unpack(packed, photos)
        repeated = captions or photos / REPEATED  # it also names photos that have no caption in the shards
        if repeated.is_file():
            return replace(_read(repeated, folder, columns), shards=photos)
        return packed.read(photos, folder)
    if not photos.is_dir():
        _check_caption_file(photos, captions)
        return _read(source, photos.parent, columns)
    if faces:
        return FORMATS[FORMAT].read(photos, photos)
    if captions is not None and captions.is_dir() and not captions.samefile(photos):
        raise InputError(f"{captions} is a folder", hint="give the caption file in it")
    dataset = _read(source, photos, columns)
    if dataset.format == FORMAT or dataset.shards:
        return dataset
    dataset = replace(dataset, skipped=(*dataset.skipped, *unreadable(photos)))
    if isinstance(FORMATS[dataset.format], Export):
        return with_unnamed_counted(dataset)
    whole = with_publishable(dataset) if dataset.source else without_messages(with_unnamed(dataset))
    if not whole.photos:
        raise InputError(f"no photo in {photos} may be published; {whole.skipped[0].line}")
    return whole


def is_word_for_people(captions: Path | None) -> bool:
    """Return whether what stands for a caption file is the word `people`, and no file of that name."""
    return captions == _FACES and not captions.is_file()


def shards_of(photos: Path) -> Shards | None:
    """Return the format of a shard, or of a folder whose photos all lie in shards; None of anything else."""
    if photos.is_dir() and find_files(photos, is_photo):
        return None
    members = (FORMATS[name] for name in FORMATS.own)
    return next((one for one in members if isinstance(one, Shards) and one.sniff(photos)), None)


def unpack(packed: Shards, photos: Path) -> Path:
    """Unpack shards to a temporary folder, which is removed when the program ends; return it."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(scratch_folder()) / "unpacked"
    packed.unpack(photos, folder)
    return folder


def _read(source: Path, root: Path, columns: Columns | None) -> Dataset:
    if columns is None:
        return _recognise(source).read(source, root)
    return replace(table_of(columns).read(source, root), columns=columns)


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

    Args:
        folder: folder of the photos.
        photos: their ids; a text counts if it names one of them, in the cell of a table also without its suffix.

    Raises:
        InputError: the folder, or a file that may hold captions, cannot be read.
    """
    paths = [PurePosixPath(photo) for photo in photos]
    names, stems = ({path.name for path in paths}, {path.stem for path in paths if not path.stem.isdigit()})
    lines = [
        f"{path.name} is a spreadsheet: it is not read; {_AS_CSV}"
        for path in _listed(folder)
        if path.suffix.lower() in _SPREADSHEETS and not path.name.startswith((".", "~"))
    ]
    for path, reader in _possible_captions(folder):
        text = _beginning(path) if reader is None else ""
        in_cells = path.suffix.lower() in _TABLES and csv_rows.names_one(text, stems)
        if in_cells or any(name in text for name in names):
            lines.append(f"{path.name} names photos and is in no known format: it is not read; {_hint(path, text)}")
    return lines


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


def _beginning(path: Path) -> str:
    try:
        return read_document(path).text[:_BEGINNING]
    except InputError:  # it is no text
        return ""


def _possible_captions(folder: Path) -> Iterator[tuple[Path, Format | None]]:
    """Yield the files in a folder that may hold captions, each with its format, None if that is not known."""
    for path in _listed(folder):
        if path.is_file() and path.suffix.lower() in _CAPTION_SUFFIXES and not path.name.startswith("."):
            if path.suffix.lower() in _BESIDE and any(files.is_file(path.with_suffix(s)) for s in PHOTO_SUFFIXES):
                continue  # the text beside a photo
            if is_parquet(path) and not installed(LIBRARY):
                continue
            if not os.access(path, os.R_OK):
                hint = "check the file permissions, or name the captions with --captions"
                raise InputError(f"cannot read {path}, which may hold captions: permission denied", hint=hint)
            yield path, _recognised(path)


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
        if _captions_in(folder, other) <= _captions_in(folder, copy):
            return other
    if len(caption_files) > 1:
        names = ", ".join(path.name for path in caption_files)
        raise error(f"{folder} holds several caption files: {names}", hint="choose one with --captions FILE")
    return caption_files[0] if caption_files else None


def write_captions(dataset: Dataset, edits: Edits, target: Path) -> None:
    """Write the captions back in the format they were read in.

    Args:
        dataset: the data set as it was read.
        edits: new captions, and new paths of the photos that stay.
        target: the new caption file at the top of the output folder; the output folder itself if
            `dataset.source` is None.

    Raises:
        InputError: the captions have changed since they were read.
        OutputError: the captions cannot be written.
    """
    writer = FORMATS[dataset.format] if dataset.columns is None else table_of(dataset.columns)
    writer.write(dataset, edits, target)


def _names_photos(reader: Format, captions: Path, folder: Path) -> bool:
    """Return whether a caption file names a photo of a folder, or cannot even be read, which its reader shall say."""
    try:
        return bool(reader.read(captions, folder).photos)
    except NamesNoPhotoError:
        return False
    except InputError:
        return True


def _captions_in(folder: Path, captions: Path) -> set[tuple[str, str]]:
    """Return the captions of a file, each with its photo."""
    return {(pair.photo, pair.caption) for pair in open_dataset(folder, captions).pairs if pair.record != NO_RECORD}


def _check_caption_file(photos: Path, captions: Path | None) -> None:
    if is_photo(photos.name):
        raise InputError(f"{photos} is one photo", hint="give the folder it is in")
    if captions is not None:
        raise ConfigError(f"{photos} is a file already", hint="give the folder of photos, or one caption file alone")


def _recognise(source: Path) -> Format:
    """Return the first format that recognises `source`.

    Raises:
        InputError: the file cannot be read, or no format recognises it.
    """
    if source.suffix.lower() in _ARCHIVES:
        raise InputError(f"{source} is no shard with photos", hint="unpack it, or give an uncompressed tar with photos")
    if source.suffix.lower() in _SPREADSHEETS:
        raise InputError(f"{source} is a spreadsheet", hint=_AS_CSV)
    if found := _recognised(source):
        return found
    text = "" if source.is_dir() else read_document(source).text
    raise InputError(f"the captions in {source} are in no known format", hint=_hint(source, text))


def _recognised(source: Path) -> Format | None:
    """Return the first format that recognises `source`; one of an installed package that fails is passed over."""
    return next(
        (one for name, one in FORMATS.loadable() if FORMATS.tried(name, partial(one.sniff, source))),
        None,
    )


def _hint(source: Path, text: str) -> str:
    if source.suffix.lower() == ".json":
        try:
            decode(text)
        except ValueError as error:
            return f"it is not valid JSON: {error}"
    if source.suffix.lower() in _TABLES and csv_rows.has_heading(text):
        return f"its first row is {csv_rows.first_row(text)}: choose of it with --photo-column and --caption-column"
    return _HINTS.get(source.suffix.lower(), "there are: " + ", ".join(FORMATS))
