"""From a folder to a problem: decode each photo once into a working copy, cut each caption for its trigger."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from unlearnable import files
from unlearnable.config import MethodSettings, ProtectSettings
from unlearnable.datasets import Dataset, Pair, Photo, Skipped
from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.encode import choose_format, suffix_of
from unlearnable.imaging.placement import grid_shape, working_copy
from unlearnable.models.sentence import end_of_sentence
from unlearnable.models.tokens import Slot, cut
from unlearnable.optim.noise import Shape
from unlearnable.posts.pixels import Pixels
from unlearnable.progress import Progress

SMALLEST = 16  # pixels; below that a photo has no room for noise that survives resizing
LAST_WORD = 10**6


@dataclass
class Prepared:
    """The photos that can be protected, in order, and those that cannot."""

    photos: list[Photo] = field(default_factory=list)
    suffixes: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    grids: list[Shape] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def read_photos(
    dataset: Dataset, settings: ProtectSettings, side: int, pixels: Pixels, known: set[str], progress: Progress
) -> Prepared:
    """Decode every photo and keep a working copy of at most twice the model's size.

    Args:
        dataset: what to read.
        settings: output format and strictness.
        side: the model's image size.
        pixels: takes the working copies.
        known: sha256 of photos that are protected already.
        progress: one step a photo.

    Raises:
        InputError: no photo can be used; or, where `strict` is set, one cannot.
    """
    prepared = Prepared(skipped=list(dataset.skipped))
    progress.phase("reading photos", len(dataset.photos))
    for photo in dataset.photos:
        try:
            _read_photo(photo, settings, side, pixels, known, prepared)
        except DecodeError as error:
            prepared.skipped.append(Skipped(photo.id, error.reason, error.detail))
        progress.advance()
    if settings.strict and prepared.skipped:
        first = prepared.skipped[0]
        raise InputError(
            f"{first.where}: {first.reason} ({first.detail})", hint="mend or remove it, or leave out --strict"
        )
    if not prepared.photos:
        first = prepared.skipped[0]
        raise InputError(f"no photo in {dataset.root} can be protected; {first.where}: {first.reason} ({first.detail})")
    return prepared


def _read_photo(
    photo: Photo, settings: ProtectSettings, side: int, pixels: Pixels, known: set[str], prepared: Prepared
) -> None:
    picture = decode(photo.path)
    if min(picture.height, picture.width) < SMALLEST:
        raise DecodeError("too-small", f"{picture.width} x {picture.height}, at least {SMALLEST} pixels are needed")
    checksum = files.sha256(photo.path)
    if checksum in known:
        raise DecodeError("already-protected", "this tool made it; protect the original instead")
    pixels.append(working_copy(picture.pixels, 2 * side))
    prepared.photos.append(photo)
    prepared.suffixes.append(suffix_of(choose_format(picture, settings.format)))
    prepared.hashes.append(checksum)
    prepared.grids.append(grid_shape(picture.height, picture.width, side))


def captions_of(dataset: Dataset) -> dict[str, list[Pair]]:
    """The captions of each photo, in the order of the file."""
    found: dict[str, list[Pair]] = {photo.id: [] for photo in dataset.photos}
    for pair in dataset.pairs:
        found[pair.photo].append(pair)
    return found


def cut_captions(
    captions: Iterable[Iterable[str]], settings: MethodSettings, length: int, seed: int
) -> list[list[Slot]]:
    """Cut every caption where its trigger goes; those of the first photos do not depend on the photos that follow.

    Args:
        captions: those of each photo.
        settings: position of the trigger.
        length: words a trigger; 0 for methods without one.
        seed: of random positions, which are drawn in the order of the captions.
    """
    dice = random.Random(seed)

    def place(caption: str) -> int:
        if settings.trigger_position == "random":
            return dice.randint(0, len(caption.split()))
        if settings.trigger_position == "start":
            return 0
        return end_of_sentence(caption) if settings.trigger_vocabulary == "natural" else LAST_WORD

    return [[cut(caption, place(caption), length) for caption in those] for those in captions]
