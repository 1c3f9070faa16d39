"""Read one photo into what a run keeps of it; needs no torch, so that a worker starts quickly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unlearnable.config import ProtectSettings
from unlearnable.datasets.types import Photo
from unlearnable.imaging.encode import Encoding
from unlearnable.imaging.opening import DecodeError
from unlearnable.imaging.placement import working_copy
from unlearnable.results.protect import CHANGED
from unlearnable.workflows.output.layout import SMALLEST
from unlearnable.workflows.protect.preparing.target import target_of


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
