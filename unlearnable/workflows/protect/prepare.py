"""Prepare posts for the optimisation: decode each photo into a working copy, cut each caption for its trigger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from unlearnable import files
from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset, Pair, Photo, Skipped
from unlearnable.datasets.tree import linked_folders
from unlearnable.datasets.types import NO_RECORD
from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError
from unlearnable.imaging.encoding import Encoding
from unlearnable.imaging.placement import grid_shape, working_copy
from unlearnable.models.tokens import CaptionSlot
from unlearnable.posts.pixels import Pixels
from unlearnable.progress import Progress
from unlearnable.protection.captions import cut_captions
from unlearnable.stores.ragged import Shape
from unlearnable.workflows.layout import SMALLEST
from unlearnable.workflows.protect.target import target_of


@dataclass(frozen=True)
class Caption:
    """A caption: its place in the caption file, and its text cut at the position of the trigger."""

    pair: Pair
    slot: CaptionSlot


@dataclass
class Prepared:
    """The photos that can be protected, in order, and those that cannot.

    Attributes:
        photos: photos that can be protected.
        encodings: how each copy is written.
        sizes: (height, width) of each copy.
        hashes: SHA-256 of each original file.
        grids: (rows, columns) of each photo's noise grid.
        skipped: photos and rows that were left out.
    """

    photos: list[Photo] = field(default_factory=list)
    encodings: list[Encoding] = field(default_factory=list)
    sizes: list[Shape] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    grids: list[Shape] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def read_photos(
    dataset: Dataset,
    settings: ProtectSettings,
    side: int,
    pixels: Pixels,
    already_protected: set[str],
    progress: Progress,
) -> Prepared:
    """Decode every photo into a working copy of at most twice the model's size.

    Args:
        dataset: data set to read.
        settings: output format and strictness.
        side: image size of the model, in pixels.
        pixels: receives the working copies.
        already_protected: SHA-256 of photos that are protected already.
        progress: receives one step per photo.

    Raises:
        InputError: no photo can be used, or `strict` is set and some photo cannot.
    """
    prepared = Prepared(skipped=list(dataset.skipped))
    for name in linked_folders(dataset.root):
        prepared.skipped.append(Skipped(name, "link", "a linked folder, which is not followed"))
    progress.phase("reading photos", len(dataset.photos))
    for photo in dataset.photos:
        try:
            if not photo.path.resolve().is_relative_to(dataset.root.resolve()):
                raise DecodeError("link", "a link that leads out of the folder of the photos")
            _read_photo(photo, settings, side, pixels, already_protected, prepared)
        except DecodeError as error:
            prepared.skipped.append(Skipped(photo.id, error.reason, error.detail))
        progress.advance()
    if settings.strict and prepared.skipped:
        first = prepared.skipped[0]
        raise InputError(f"{first.where}: {first.reason} ({first.detail})", hint="fix or remove it, or omit --strict")
    if not prepared.photos:
        first = prepared.skipped[0]
        raise InputError(f"no photo in {dataset.root} can be protected; {first.where}: {first.reason} ({first.detail})")
    return prepared


def _read_photo(
    photo: Photo,
    settings: ProtectSettings,
    side: int,
    pixels: Pixels,
    already_protected: set[str],
    prepared: Prepared,
) -> None:
    target = target_of(photo.path, settings)
    picture = target.picture
    if min(picture.height, picture.width) < SMALLEST:
        raise DecodeError("too-small", f"{picture.width} x {picture.height}, but at least {SMALLEST} pixels are needed")
    checksum = files.sha256(photo.path)
    if checksum in already_protected:
        raise DecodeError("already-protected", "made by this tool; protect the original instead")
    pixels.append(working_copy(picture.pixels, side))
    prepared.photos.append(photo)
    prepared.encodings.append(target.encoding)
    prepared.sizes.append((picture.height, picture.width))
    prepared.hashes.append(checksum)
    prepared.grids.append(grid_shape(picture.height, picture.width, side))


def read_captions(dataset: Dataset, settings: ProtectSettings, length: int) -> dict[str, list[Caption]]:
    """Return the captions of each photo, in the order of the file, cut for triggers of `length` words."""
    pairs = dataset.pairs_by_photo()
    texts = [[pair.caption for pair in of_photo] for of_photo in pairs.values()]
    slots = cut_captions(texts, settings, length, settings.seed)
    return {
        photo: [Caption(pair, slot) for pair, slot in zip(of_photo, cuts, strict=True)]
        for (photo, of_photo), cuts in zip(pairs.items(), slots, strict=True)
    }


def leaders_of(posts: Sequence[Sequence[Caption]]) -> tuple[int, ...]:
    """Return, for each post, the first one that has a caption in the same place of the caption file; itself if none."""
    first: dict[tuple[int, int], int] = {}
    leaders: list[int] = []
    for number, post in enumerate(posts):
        places = [(caption.pair.record, caption.pair.index) for caption in post if caption.pair.record != NO_RECORD]
        leader = min((first[place] for place in places if place in first), default=number)
        leaders.append(leaders[leader] if leader < number else number)
        for place in places:
            first.setdefault(place, number)
    return tuple(leaders)
