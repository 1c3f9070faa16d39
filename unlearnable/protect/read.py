"""Prepare posts for the optimisation: decode each photo into a working copy, cut each caption for its trigger."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError
from unlearnable.imaging.encode import Encoding
from unlearnable.imaging.opening import STOPPED
from unlearnable.imaging.placement import grid_shape
from unlearnable.methods.words import cut_captions
from unlearnable.models.tokens import CaptionSlot
from unlearnable.posts import NO_RECORD, Dataset, Pair, Photo, Skipped
from unlearnable.posts.languages import languages_of
from unlearnable.posts.names import people_in, written
from unlearnable.protect.layout import OutputNames
from unlearnable.protect.photo import ReadJob, ReadPhoto, pixels_foreseen, pool_for, read_one
from unlearnable.settings import ProtectSettings
from unlearnable.storage import files
from unlearnable.storage.pool import WorkerEnded
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels, Shape, equal_photos
from unlearnable.wording import storable

FEW = 16e6  # pixels in all photos that are read before workers have started


@dataclass(frozen=True)
class Caption:
    """A caption: its place in the caption file, and its text cut at the position of the trigger."""

    pair: Pair
    slot: CaptionSlot


@dataclass(frozen=True)
class ReadyPhoto:
    """A photo that can be protected.

    Attributes:
        photo: the photo.
        number: its number among those that the noise is made for.
        checksum: SHA-256 of the original file.
        name: path of its copy in the output folder.
        encoding: how its copy is written.
        size: (height, width) of its copy.
        grid: (rows, columns) of its noise grid.
    """

    photo: Photo
    number: int
    checksum: str
    name: str
    encoding: Encoding
    size: Shape
    grid: Shape

    @property
    def pixels(self) -> int:
        """The number of pixels of its copy."""
        return math.prod(self.size)


@dataclass(frozen=True)
class Prepared:
    """The photos that can be protected, in order, and those that cannot.

    Attributes:
        ready: photos that can be protected.
        posts: checksum of each post as the run found it, also of photos that were left out.
        skipped: photos and rows that were left out.
    """

    ready: Sequence[ReadyPhoto]
    posts: Mapping[str, str]
    skipped: Sequence[Skipped]

    @cached_property
    def photos(self) -> list[Photo]:
        """The photos that can be protected."""
        return [one.photo for one in self.ready]

    @cached_property
    def names(self) -> dict[str, str]:
        """Photo id -> path of the copy in the output folder."""
        return {one.photo.id: one.name for one in self.ready}

    @property
    def is_lossless(self) -> bool:
        """Whether no copy loses anything to its encoding."""
        return all(one.encoding.lossless for one in self.ready)

    @property
    def equal(self) -> tuple[tuple[int, ...], ...]:
        """Groups of photos of one content."""
        return equal_photos([one.checksum for one in self.ready])

    def without(self, left_out: Sequence[Skipped]) -> Prepared:
        """Return the photos without those that had to be left out since."""
        gone = {one.where for one in left_out}
        ready = [one for one in self.ready if one.photo.id not in gone]
        return replace(self, ready=ready, skipped=[*self.skipped, *left_out])


@dataclass(frozen=True)
class PhotoReader:
    """The reader of photos into working copies.

    Attributes:
        settings: output format.
        side: image size of the model, in pixels.
        pixels: receives the working copies.
        already_protected: SHA-256 of photos that are protected already.
        names: names of the copies.
        staged: folder that the copies are written to first.
    """

    settings: ProtectSettings
    side: int
    pixels: Pixels
    already_protected: Set[str]
    names: OutputNames
    staged: Path

    def fault(self, photo: Photo, root: Path) -> DecodeError | None:
        """Return why a photo is not even read."""
        if not photo.path.resolve().is_relative_to(root.resolve()):
            return DecodeError("link", "a link that leads out of the folder of the photos")
        if storable(photo.id) != photo.id:
            return DecodeError("bad-name", "the name is no text in UTF-8, so no caption could name the copy; rename it")
        if folder := self.names.blocked(photo.id):
            return DecodeError("bad-name", f"the folder {folder} has the name of a caption file; rename it")
        return None

    def keep(self, photo: Photo, read: ReadPhoto) -> ReadyPhoto:
        """Keep what was read of a photo, and name its copy.

        Raises:
            DecodeError: it cannot be protected.
        """
        if read.checksum in self.already_protected:
            raise DecodeError("already-protected", "made by this tool; protect the original instead")
        name = self.names.give(photo.id, read.encoding.suffix)
        if not files.can_exist(self.staged / name):
            raise DecodeError("bad-name", "the name of its copy would be too long; shorten it")
        number, grid = len(self.pixels), grid_shape(*read.size, self.side)
        self.pixels.append(read.copy)
        return ReadyPhoto(photo, number, read.checksum, name, read.encoding, read.size, grid)


def read_photos(dataset: Dataset, reader: PhotoReader, progress: Progress) -> Prepared:
    """Read every photo, in workers if that takes long; those that cannot be protected are skipped.

    Raises:
        InputError: no photo can be used.
    """
    ready, skipped = list[ReadyPhoto](), list(dataset.skipped)
    progress.phase("reading photos", len(dataset.photos))
    faults = {photo.id: reader.fault(photo, dataset.root) for photo in dataset.photos}
    jobs = [
        ReadJob(photo, reader.settings, reader.side, pixels_foreseen(photo.path))
        for photo in dataset.photos
        if faults[photo.id] is None
    ]
    with pool_for(read_one, [job.pixels for job in jobs], FEW) as pool:
        answers = pool.answers(jobs)
        for photo in dataset.photos:
            try:
                if (fault := faults[photo.id]) is not None:
                    raise fault
                ready.append(reader.keep(photo, next(answers).result()))
            except DecodeError as error:
                skipped.append(Skipped(photo.id, error.reason, error.detail))
            except WorkerEnded:
                skipped.append(Skipped(photo.id, *STOPPED))
            progress.advance()
    if not ready:
        raise InputError(f"no photo in {dataset.root} can be protected; {skipped[0].line}")
    return Prepared(ready, dataset.posts, skipped)


def read_captions(dataset: Dataset, settings: ProtectSettings, length: int) -> dict[str, list[Caption]]:
    """Return the captions of each photo, in file order, names as initials, cut for triggers of `length` tokens."""
    pairs = dataset.pairs_by_photo()
    texts = [[pair.caption for pair in of_photo] for of_photo in pairs.values()]
    if settings.names == "initials":  # look-alike letters come last
        names = settings.name or people_in(texts)
        texts = [[written(text, names, "initials") for text in post] for post in texts]
    slots = cut_captions(texts, settings.of_method, length, settings.seed, languages_of(texts))
    return {
        photo: [Caption(pair, slot) for pair, slot in zip(of_photo, cuts, strict=True)]
        for (photo, of_photo), cuts in zip(pairs.items(), slots, strict=True)
    }


def ties_of(posts: Sequence[Sequence[Caption]], hashes: Sequence[str]) -> list[list[Hashable]]:
    """Return what makes posts take one trigger: the places of their captions in the caption file, and their photo.

    Args:
        posts: captions of each photo.
        hashes: SHA-256 of each photo.
    """
    places = [[caption.pair for caption in post if caption.pair.record != NO_RECORD] for post in posts]
    return [
        [(photo,), *((pair.record, pair.index) for pair in pairs)] for photo, pairs in zip(hashes, places, strict=True)
    ]
