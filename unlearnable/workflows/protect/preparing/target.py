"""A photo as it will be published, but for the noise: the same pixels for every stage of a run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearnable.config import PLATFORMS, ProtectSettings
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.encode import MAX_SIDE, Encoding, choose_encoding, on_white
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import Noisy, resized
from unlearnable.imaging.xmp import joins


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
