"""Recognise protected copies that were saved again, as by a platform, so that they are not protected twice.

A perceptual hash finds the copy that a photo looks like, but the original looks like it too, and so does any other
version of that. So the hash alone leaves nothing out: the photo has to carry the noise of the copy, which only original
and copy show. Where these are not at hand the photo is protected, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearnable.disk import checksums
from unlearnable.imaging.copied import as_copied
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.duplicates import differing_bits
from unlearnable.imaging.encode import choose_encoding, through
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import grid_shape
from unlearnable.wording.counts import named
from unlearnable.workflows.history import MadeCopy

Pixels8 = NDArray[np.uint8]
NEAR_COPY = 8  # differing bits of 64; the rest is the noise's to say
LEAST_CARRIED = 0.5  # share of the noise: copies have 0.7 and more of it, other versions of the original 0.15 at most
LEAST_ALIKE = 0.15  # cosine: below it the share says nothing, as of cropped photos, which do not lie on their original
COMPARED = 448  # pixels on the short side: twice the size of the noise grid
LARGEST_SKEW = 0.01  # of the ratio of the sides; a cropped photo does not lie on its original


@dataclass(frozen=True)
class Carried:
    """How much of a copy's noise a photo carries.

    Attributes:
        share: share of the noise that is in the photo: 1 for the copy, 0 for its original.
        alike: cosine of the noise and of what the photo has beside the copy without noise, -1 to 1.
    """

    share: float
    alike: float

    @property
    def is_enough(self) -> bool:
        """Whether the photo is taken for the copy, saved again."""
        return self.share >= LEAST_CARRIED and self.alike >= LEAST_ALIKE


@dataclass
class MadeCopies:
    """The protected copies that this user has made.

    Attributes:
        copies: what is remembered of them.
        unsure: photos that look like a copy whose files are not at hand.
    """

    copies: Sequence[MadeCopy]
    unsure: list[str] = field(default_factory=list)

    def source_of(self, photo: str, checksum: str, code: str, load: Callable[[], Pixels8]) -> MadeCopy | None:
        """Return the copy that a photo is, saved again; None where it is none, or nobody can tell.

        Args:
            photo: id of the photo.
            checksum: SHA-256 of its file; that of an original is an original, whatever it looks like.
            code: its perceptual hash.
            load: returns its (h, w, 3) pixels; called where they have to be compared with a copy's.

        Raises:
            DecodeError: it cannot be decoded any more.
        """
        if not self.copies or any(checksum == copy.original_sha256 for copy in self.copies):
            return None
        unknown = False
        for copy in self.copies:
            if differing_bits(code, copy.perceptual_hash) > NEAR_COPY:
                continue
            both = _pixels_of(copy)
            unknown |= both is None
            if both is not None and (found := carried(load(), *both)) is not None and found.is_enough:
                return copy
        if unknown:
            self.unsure.append(photo)
        return None


def said_of_unsure(photos: Sequence[str]) -> str:
    """Return a line on photos that look like copies whose files are not at hand."""
    return (
        f"{named(photos, 1)} may be a copy that this tool protected, or another version of its original: the files to "
        "compare with are not at hand, so it is protected"
    )


def _pixels_of(copy: MadeCopy) -> tuple[Pixels8, Pixels8] | None:
    """Return the pixels of a copy without its noise, and with it, if original and copy are at hand as they were."""
    pictures = []
    for path, checksum in ((copy.original, copy.original_sha256), (copy.path, copy.sha256)):
        try:
            if checksums.sha256(path) != checksum:
                return None
            pictures.append(decode(path))
        except (OSError, DecodeError):
            return None
    return without_noise(*pictures), pictures[1].pixels


def without_noise(original: Picture, copy: Picture) -> Pixels8:
    """Return the pixels that a copy would have without its noise: what its encoding does to a photo is no noise."""
    clean, encoding = as_copied(original, copy), choose_encoding(copy, "auto")
    return clean.pixels if encoding.lossless else through(clean, encoding)


def carried(photo: Pixels8, clean: Pixels8, copy: Pixels8) -> Carried | None:
    """Return how much of the noise of a copy a photo carries; None if it is cropped.

    Args:
        photo: (h, w, 3) a photo that looks like the copy, in any size.
        clean: the copy without its noise, see `without_noise`.
        copy: the copy.
    """
    height, width = min((photo.shape[:2], copy.shape[:2]), key=min)
    for one in (photo, clean, copy):
        if abs(one.shape[0] * width / (one.shape[1] * height) - 1) > LARGEST_SKEW:
            return None
    rows, columns = grid_shape(height, width, COMPARED)
    size = (columns, rows) if min(rows, columns) < min(height, width) else (width, height)
    photo, clean, copy = (
        np.asarray(Image.fromarray(one).resize(size, Image.Resampling.LANCZOS)) for one in (photo, clean, copy)
    )
    noise, found = copy.astype(np.float32) - clean, photo.astype(np.float32) - clean
    noise -= noise.mean(axis=(0, 1))
    found -= found.mean(axis=(0, 1))
    product, own, other = (float(np.vdot(a, b)) for a, b in ((noise, found), (noise, noise), (found, found)))
    if not own or not other:
        return Carried(0.0, 0.0)
    return Carried(product / own, product / float(np.sqrt(own * other)))
