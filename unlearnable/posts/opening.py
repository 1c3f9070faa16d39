"""Open a data set of any format, and write its captions back in the same one."""

from __future__ import annotations

from pathlib import Path

from unlearnable.errors import ConfigError, InputError
from unlearnable.posts.assembly import with_unnamed, with_unnamed_counted
from unlearnable.posts.export import POSTS, Export
from unlearnable.posts.exported import with_publishable, without_messages
from unlearnable.posts.faces.posts import FORMAT
from unlearnable.posts.readers import FORMATS
from unlearnable.posts.readers.takeout import Takeout
from unlearnable.posts.recognition import recognise
from unlearnable.posts.tree import is_photo, unreadable
from unlearnable.posts.types import Dataset, Edits
from unlearnable.storage import files

PEOPLE, NONE, EMBEDDED = Path(FORMAT), Path("none"), Path("embedded")
"""Words for captions that are in no caption file: of faces, none at all, and those inside the photos."""
REPEATED = "metadata.jsonl"  # written beside the captions of every published folder


def open_dataset(photos: Path, captions: Path | None = None) -> Dataset:
    """Read photos and their captions, whatever format the captions are in.

    Args:
        photos: a folder, of which all photos are read; a caption file, of which the photos
            that it names are read, from the file's own folder.
        captions: a caption file for the photos of a folder (`only_captions` finds it). Without one, or where it is
            the folder itself, that is searched for `metadata.jsonl` or `metadata.csv`, for the files of an unpacked
            export, then for a `.txt` or `.caption` beside each photo and the like. Instead of a file, `none` reads the
            photos alone, `embedded` takes the descriptions inside them, and `people` reads a folder of faces in any
            layout that `open_people` knows; the captions then hold invented names.

    Returns:
        A data set in which every photo has a caption; that of a photo without words of the user's
        is empty, with `record` -1. A data set of faces holds only photos of known people, an
        export only those of posts.

    Raises:
        InputError: a path does not exist or cannot be read, or there is no photo.
        ConfigError: two caption files were given.
    """
    word = captions if is_word(captions) else None
    source = photos if captions is None or word else captions
    for path in (photos, source):
        if not path.exists():
            raise files.missing(path)
    if not photos.is_dir():
        _check_caption_file(photos, captions)
        return recognise(source).read(source, photos.parent)
    if word == PEOPLE:
        return FORMATS[FORMAT].read(photos, photos)
    if captions is not None and captions.is_dir() and not captions.samefile(photos):
        raise InputError(f"{captions} is a folder", hint="give the caption file in it")
    by_word = {NONE: "folder", EMBEDDED: "embedded"}
    dataset = FORMATS[by_word[word]].read(photos, photos) if word else recognise(source).read(source, photos)
    if dataset.format == FORMAT:
        return dataset
    dataset = dataset.lacking(unreadable(photos))
    if isinstance(FORMATS[dataset.format], Export):
        return with_unnamed_counted(dataset)
    whole = with_publishable(dataset) if dataset.source else without_messages(with_unnamed(dataset))
    if not whole.photos:
        raise InputError(f"no photo in {photos} may be published; {whole.skipped[0].line}")
    return whole


def is_word(captions: Path | None) -> bool:
    """Return whether what stands for a caption file is a word, such as `none`, and no file of that name."""
    return captions in (PEOPLE, NONE, EMBEDDED) and not captions.is_file()


def write_captions(dataset: Dataset, edits: Edits, target: Path) -> None:
    """Write the captions back in the format they were read in, and those of an export as `posts.jsonl`.

    Args:
        dataset: the data set as it was read.
        edits: new captions, and new paths of the photos that stay.
        target: the new caption file at the top of the output folder; the output folder itself if
            `dataset.source` is None.

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
    if isinstance(FORMATS[dataset.format], Export | Takeout):
        return open_dataset(folder, folder / POSTS)
    if dataset.source is None:
        return FORMATS[dataset.format].read(folder, folder)
    return open_dataset(folder, folder / dataset.source.name)


def _check_caption_file(photos: Path, captions: Path | None) -> None:
    if is_photo(photos.name):
        raise InputError(f"{photos} is one photo", hint="give the folder it is in")
    if captions is not None:
        raise ConfigError(f"{photos} is a file already", hint="give the folder of photos, or one caption file alone")
