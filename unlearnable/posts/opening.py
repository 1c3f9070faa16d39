"""Open a data set of any format, find the caption file in a folder, and write captions back."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from unlearnable.errors import ConfigError, InputError, UnlearnableError
from unlearnable.posts.faces import PEOPLE
from unlearnable.posts.readers import FORMATS
from unlearnable.posts.readers.caption_file import NamesNoPhotoError
from unlearnable.posts.readers.exports import POSTS, Export
from unlearnable.posts.readers.photos import EMBEDDED as IN_PHOTOS
from unlearnable.posts.text import read_document
from unlearnable.posts.tree import PHOTO_SUFFIXES, WITHHELD, find_photos, is_photo
from unlearnable.posts.types import NO_RECORD, Dataset, Edits, Format, Skipped, assemble, restrict
from unlearnable.storage import files
from unlearnable.wording import counted

FACES, NONE, EMBEDDED = Path(PEOPLE.name), Path("none"), Path("embedded")
"""Words for captions that are in no caption file: of faces, none at all, and those inside the photos."""

_REPEATED = "metadata.jsonl"  # written beside the captions of every published folder
_CAPTION_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".token"})
_BESIDE = frozenset({".txt", ".json"})  # of a photo, by its name
_ARCHIVES = frozenset({".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip"})
_AS_TABLE = 'save it as CSV with the columns photo and caption, or as lines like {"photo": "a.jpg", "caption": "a dog"}'

# Where Instagram and Facebook, X, Google and older Instagram keep photos of messages, and Instagram what was deleted
_MESSAGES = re.compile(
    r"(.*/)?(messages/(inbox|archived_threads|filtered_threads|message_requests|e2ee_cutover)"
    r"|direct_messages(_group)?_media|Google Chat/Groups|direct/\d{6}|media/recently_deleted)/.*"
)


def open_dataset(photos: Path, captions: Path | None = None) -> Dataset:
    """Read photos and their captions, whatever format the captions are in.

    A photo without words of the user's has an empty caption with `record` -1. A data set of faces holds only photos of
    known people, an export only those of posts.

    Args:
        photos: a folder, whose photos are all read, or a caption file in the folder of the photos that it names.
        captions: a caption file for the photos of a folder (`only_captions` finds it); or a word: `none`, `embedded`
            for the descriptions inside photos, `people` for a folder of faces, whose captions get invented names.
            Without either, or where it is the folder itself, that is searched for `metadata.jsonl` or `metadata.csv`,
            for the files of an unpacked export, then for a text beside each photo.

    Raises:
        InputError: a path does not exist or cannot be read, or there is no photo.
        ConfigError: two caption files were given.
    """
    word = captions if is_word(captions) else None
    source = photos if captions is None or word else captions
    for path in (photos, source):
        if not path.exists():
            raise files.missing(path)
    if is_photo(photos.name) and not photos.is_dir():
        raise InputError(f"{photos} is one photo", hint="give the folder it is in")
    if not photos.is_dir() and captions is not None:
        raise ConfigError(f"{photos} is a file already", hint="give the folder of photos, or one caption file alone")
    if not photos.is_dir():
        return recognise(source).read(source, photos.parent)
    if source.is_dir() and not source.samefile(photos):
        raise InputError(f"{source} is a folder", hint="give the caption file in it")
    by_word = {FACES: PEOPLE.name, NONE: "folder", EMBEDDED: "embedded"}
    reader = FORMATS[by_word[word]] if word else recognise(source)
    dataset = reader.read(source, photos)
    if dataset.format == PEOPLE.name:
        return dataset
    whole = _with_rest(dataset, reader)
    if not whole.photos:
        raise InputError(f"no photo in {photos} may be published; {whole.skipped[0].line}")
    return whole


def open_chosen(root: Path, photos: Sequence[str], captions: Path | None) -> Dataset:
    """Read some photos of a folder, by id; without a caption file it is not searched, since it may hold anything."""
    if captions in (None, NONE):
        return restrict(assemble(root, dict.fromkeys(photos), (), (), "folder"), photos)
    if captions == EMBEDDED:
        return restrict(IN_PHOTOS.of(root, photos), photos)
    return restrict(open_dataset(root, captions), photos)


def is_word(captions: Path | None) -> bool:
    """Return whether what stands for a caption file is a word, such as `none`, and no file of that name."""
    return captions in (FACES, NONE, EMBEDDED) and not captions.is_file()


def write_captions(dataset: Dataset, edits: Edits, target: Path) -> None:
    """Write the captions back in the format they were read in, and those of an export as `posts.jsonl`.

    `target` is the new caption file at the top of the output folder; the folder itself if `dataset.source` is None.

    Raises:
        InputError: the captions have changed since they were read.
        OutputError: the captions cannot be written.
    """
    FORMATS[dataset.format].write(dataset, edits, target)


def read_written(dataset: Dataset, folder: Path) -> Dataset:
    """Read the captions back that were written for a data set into an output folder.

    Raises:
        InputError: they cannot be read.
    """
    if dataset.exported:
        return open_dataset(folder, folder / POSTS)
    if dataset.source is None:
        return FORMATS[dataset.format].read(folder, folder)
    return open_dataset(folder, folder / dataset.source.name)


def recognise(source: Path) -> Format:
    """Return the first format that recognises `source`.

    Raises:
        InputError: the file cannot be read, or no format recognises it.
    """
    if source.suffix.lower() in _ARCHIVES:
        raise InputError(f"{source} is an archive", hint="unpack it and give the folder")
    if found := recognised(source):
        return found
    if source.is_file():
        read_document(source)
    raise InputError(f"the captions in {source} are in no known format", hint=_AS_TABLE)


def recognised(source: Path) -> Format | None:
    """Return the first format that recognises `source`."""
    return next((one for one in FORMATS.values() if one.sniff(source)), None)


def _with_rest(dataset: Dataset, reader: Format) -> Dataset:
    """Return the data set with the other photos of its folder, but for those that an export in it does not publish.

    These are what lies in the trash of Google Photos, even if a caption names it, and what neither a caption nor a
    post names, such as photos of messages: one entry counts them.

    Raises:
        InputError: the folder is that of an export whose posts cannot be read.
    """
    root, skipped, is_export = dataset.root, list(dataset.skipped), isinstance(reader, Export)
    if dataset.source:  # captions of one's own, perhaps in the folder of an export
        if FORMATS["takeout"].sniff(root):
            skipped += [one for one in FORMATS["takeout"].read(root, root).skipped if one.reason == WITHHELD]
        is_export = any(isinstance(one, Export) and one.sniff(root) for one in FORMATS.values())
    withheld = {one.where for one in skipped if one.reason == WITHHELD}
    found = [photo for photo in find_photos(root) if photo not in withheld]
    named = {photo.id: photo.split for photo in dataset.photos if photo.id not in withheld}
    if is_export:
        apart = [photo for photo in found if photo not in named]
    else:
        apart = [photo for photo in found if _MESSAGES.fullmatch(photo) and not (dataset.source and photo in named)]
        if apart and dataset.format == "folder":
            raise InputError(
                f"{root} is an export whose posts cannot be read, and {apart[0]} belongs to none of them",
                hint="ask for it in the format JSON (HTML cannot be read), or give the folder of the photos you posted",
            )
    if apart:
        detail = f"{counted(len(apart), 'photo')} of messages, deleted, or in no post that was read"
        skipped.append(Skipped(apart[0], "in-no-post", detail))
    splits = {photo: named.get(photo) for photo in (*found, *named) if photo not in set(apart)}
    pairs = [pair for pair in dataset.pairs if pair.photo in splits]
    whole = assemble(root, splits, pairs, skipped, dataset.format)
    return replace(dataset, photos=whole.photos, pairs=whole.pairs, skipped=whole.skipped)


def find_captions(folder: Path, root: Path | None = None) -> list[Path]:
    """Return the caption files in a folder, recognised by their content; sub-folders are not searched.

    Files that name no photo below `root`, the folder itself by default, are left out, and those of an export: there the
    folder is opened as a whole.

    Raises:
        InputError: the folder, or a caption file, cannot be read.
    """
    found = []
    for path, reader in _possible_captions(folder):
        if reader is not None and not isinstance(reader, Export):
            with suppress(NamesNoPhotoError):
                reader.read(path, root or folder)
                found.append(path)
    return found


def only_captions(folder: Path, error: type[UnlearnableError] = InputError) -> Path | None:
    """Return the only caption file in a folder; None if there is none.

    A `metadata.jsonl` that repeats the captions of the one other file, as in a published folder, does not count.

    Raises:
        error: there are several.
    """
    found = find_captions(folder)
    if len(found) == 2 and (copy := folder / _REPEATED) in found:
        other = next(path for path in found if path != copy)
        captions = [
            {(pair.photo, pair.caption) for pair in open_dataset(folder, path).pairs if pair.record != NO_RECORD}
            for path in (other, copy)
        ]
        if captions[0] <= captions[1]:
            return other
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise error(f"{folder} holds several caption files: {names}", hint="choose one with `captions`")
    return found[0] if found else None


def refuse_unreadable(folder: Path, photos: Iterable[str]) -> None:
    """Stop where a file in a folder seems to hold captions of its photos and is in no known format.

    Raises:
        InputError: one of a file's cells or strings is the name of one of `photos`, by their ids.
    """
    names = {name for photo in map(PurePosixPath, photos) for name in (photo.name, photo.stem)}
    without = "`captions='none'` protects the photos without captions"
    for path in [path for path, reader in _possible_captions(folder) if reader is None]:
        try:
            text = read_document(path).text
        except InputError as error:
            raise InputError(error.message, hint=f"{error.hint}; {without}") from error
        lines = (re.split(r'[\t,;|"]', line) for line in text.splitlines())
        ends = {re.split(r"[/\\]", cell.strip())[-1] for cells in lines if len(cells) > 1 for cell in cells}
        if not names.isdisjoint(ends):
            raise InputError(f"{path} seems to hold captions, and cannot be read", hint=f"{_AS_TABLE}; {without}")


def _possible_captions(folder: Path) -> Iterator[tuple[Path, Format | None]]:
    """Yield the files in a folder that may hold captions, each with its format, None if that is not known."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}", hint="check the file permissions") from error
    for path in paths:
        if files.is_file(path) and path.suffix.lower() in _CAPTION_SUFFIXES and not path.name.startswith("."):
            photos = (one for one in map(path.with_suffix, ("", *PHOTO_SUFFIXES)) if is_photo(one.name))
            if path.suffix.lower() not in _BESIDE or not any(map(files.is_file, photos)):
                yield path, recognised(path)
