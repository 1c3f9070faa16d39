"""Read folders of photos and captions into posts to train a model on and to rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import working_copy
from unlearnable.posts import Dataset, Photo, Skipped, named_posts, only_captions, open_dataset, open_people
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.training.pixels import Pixels

REAL_NAMES = Path("people:real")


@dataclass
class DecodedPosts:
    """Decoded photos, as working copies, with their captions; entry n of each list belongs to the same photo.

    Attributes:
        pixels: working copies of at most twice the model's size.
        photos: files and ids of the photos.
        captions: captions of each photo.
        skipped: photos that could not be decoded.
    """

    pixels: Pixels
    photos: list[Photo] = field(default_factory=list)
    captions: list[list[str]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, photo: Photo, captions: list[str], side: int) -> None:
        """Decode a photo and add a working copy for models of `side` pixels."""
        try:
            pixels = decode(photo.path).pixels
        except DecodeError as error:
            self.skipped.append(Skipped(photo.id, error.reason, error.detail))
            return
        self.pixels.append(working_copy(pixels, side))
        self.photos.append(photo)
        self.captions.append(captions)


def open_collection(folder: Path, captions: Path | None) -> Dataset:
    """Open a data set with its captions; without `captions`, those of the only caption file in the folder.

    `people` as captions reads a folder of faces under invented names, `people:real` under the real names.

    Raises:
        InputError: there is nothing to read, or more than one caption file.
    """
    if captions == REAL_NAMES:
        return named_posts(open_people(folder), rename=False)
    if captions is None and folder.is_dir():
        captions = only_captions(folder)
    return open_dataset(folder, captions)


def read_all(datasets: Sequence[Dataset], side: int, posts: DecodedPosts, progress: Progress) -> None:
    """Decode every photo of some data sets.

    Args:
        datasets: data sets to read.
        side: image size of the model, in pixels.
        posts: receives the photos and captions.
        progress: receives one step per photo.

    Raises:
        InputError: none of the photos can be decoded.
    """
    progress.phase("reading photos", sum(len(dataset.photos) for dataset in datasets))
    for dataset in datasets:
        captions = dataset.captions_by_photo()
        for photo in dataset.photos:
            posts.add(photo, captions[photo.id], side)
            progress.advance()
    if not posts.photos:
        raise InputError(f"no photo can be read; {posts.skipped[0].line}")


def read_photo(path: Path) -> Picture:
    """Decode one photo.

    Raises:
        InputError: the photo does not exist or cannot be decoded; the message names its path.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="give one photo of it")
    if not path.is_file():
        raise InputError(f"there is no photo {path}", hint=files.missing(path).hint)
    try:
        return decode(path)
    except DecodeError as error:
        raise InputError(f"{path} cannot be read: {error.message}") from error
