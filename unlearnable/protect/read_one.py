"""Read one photo into what a run keeps of it; needs no torch, so that a worker starts quickly."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from unlearnable.config import PLATFORMS, ProtectSettings
from unlearnable.datasets.types import Photo
from unlearnable.disk import entries
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import MAX_SIDE, Encoding, choose_encoding, on_white
from unlearnable.imaging.opening import DecodeError
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import Noisy, resized, working_copy
from unlearnable.imaging.xmp import joins
from unlearnable.protect.layout import SMALLEST
from unlearnable.results.protect import CHANGED
from unlearnable.workers.pool import Pool, cores


@dataclass(frozen=True)
class ReadJob:
    """A photo to read.

    Attributes:
        photo: the photo.
        settings: output format and platform.
        side: image size of the model, in pixels.
        pixels: how many it is expected to have.
    """

    photo: Photo
    settings: ProtectSettings
    side: int
    pixels: float


@dataclass(frozen=True, eq=False)
class ReadPhoto:
    """What a run keeps of a photo.

    Attributes:
        checksum: SHA-256 of the file.
        encoding: how its copy is written.
        size: (height, width) of its copy.
        copy: working copy of at most twice the model's size.
    """

    checksum: str
    encoding: Encoding
    size: tuple[int, int]
    copy: NDArray[np.uint8]


def read_one(job: ReadJob) -> ReadPhoto:
    """Decode a photo.

    Raises:
        DecodeError: it cannot be decoded, is too small, or changed meanwhile.
    """
    checksum = job.photo.sha256()
    target = target_of(job.photo.path, job.settings)
    refuse_changed(job.photo, checksum)
    picture = target.picture
    if min(picture.height, picture.width) < SMALLEST:
        size = f"{picture.width} x {picture.height}"
        raise DecodeError("too-small", f"{size}, but at least {SMALLEST} pixels are needed")
    copy = working_copy(picture.pixels, job.side)
    return ReadPhoto(checksum or "", target.encoding, (picture.height, picture.width), copy)


def refuse_changed(photo: Photo, checksum: str | None) -> None:
    """Stop at a photo that is not the one any more whose checksum this is.

    Raises:
        DecodeError: it has changed, or is gone.
    """
    now = photo.sha256()
    if now is None or now != checksum:
        raise DecodeError(CHANGED, "it was changed while the run went on" if now else "it is gone or cannot be read")


@dataclass(frozen=True, eq=False)
class Target:
    """What a photo is to become.

    Attributes:
        picture: the photo in its published size; opaque where the file can hold no transparency.
        encoding: how it is written.
    """

    picture: Picture
    encoding: Encoding

    def noisy(self, noise: NDArray[np.int8], settings: ProtectSettings) -> Noisy:
        """Return the rows of the picture with a noise grid (c, gh, gw), in 1/255."""
        return Noisy(self.picture.pixels, noise, settings.enlarge)

    def protected(self, noise: NDArray[np.int8], settings: ProtectSettings) -> Picture:
        """Return the picture with a noise grid (c, gh, gw), in 1/255."""
        return replace(self.picture, pixels=self.noisy(noise, settings).whole())


def target_of(photo: Path, settings: ProtectSettings) -> Target:
    """Decode a photo as it will be published with these settings.

    Raises:
        DecodeError: the photo cannot be decoded, or is larger than its copy can be.
    """
    picture = decode(photo)
    platform = PLATFORMS[settings.platform] if settings.platform else None
    encoding = choose_encoding(picture, settings.format, settings.quality, platform)
    if platform is not None:
        picture = resized(picture, *platform.size(picture.height, picture.width))
    kind = encoding.file_format
    if max(picture.height, picture.width) > (most := MAX_SIDE.get(kind, sys.maxsize)):
        raise DecodeError("too-large", f"a {kind.upper()} has at most {most:,} pixels a side; --format png holds it")
    if settings.opt_out and settings.keep_metadata == "all" and picture.xmp and not joins(picture.xmp):
        picture = replace(picture, lost=(*picture.lost, "unreadable XMP replaced by the opt-out"))
    return Target(on_white(picture) if encoding.file_format == "jpeg" else picture, encoding)


PIXELS_A_BYTE = {".png": 0.5, ".tif": 0.4, ".tiff": 0.4, ".bmp": 0.33}
PIXELS_A_BYTE_WITH_LOSS = 4.0
ROOM = 64e6  # pixels of all photos under way; each takes up to about 16 bytes while it is written


class _Sized(Protocol):
    @property
    def pixels(self) -> float: ...


Job = TypeVar("Job", bound=_Sized)
Answer = TypeVar("Answer")


def pixels_foreseen(photo: Path) -> float:
    """Return how many pixels a photo has if its file is as others of its kind; 0 for one that is gone."""
    return PIXELS_A_BYTE.get(photo.suffix.lower(), PIXELS_A_BYTE_WITH_LOSS) * entries.size_of(photo)


def pool_for(function: Callable[[Job], Answer], pixels: Sequence[float], few: float) -> Pool[Job, Answer]:
    """Return a pool of a worker for each core; without workers where the photos have no more than few pixels."""
    workers = min(cores(), len(pixels)) if sum(pixels) > few else 0
    return Pool(function, lambda job: job.pixels, ROOM, workers)
