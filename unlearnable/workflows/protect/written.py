"""Measure one written photo, and refuse it where it is not what was promised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearnable.errors import ModelError, OutputError
from unlearnable.evaluation.quality import Quality, compare
from unlearnable.evaluation.survival import share_kept
from unlearnable.imaging.encode import through
from unlearnable.imaging.picture import Picture
from unlearnable.workflows.protect.target import Target

LEAST_KEPT = 0.25  # share of the noise; a web-size photo keeps about 0.76 of it at quality 85, and 0.38 at 10


@dataclass(frozen=True)
class Written:
    """What was measured on a written photo.

    Attributes:
        quality: the decoded file against the original.
        noise_linf: largest value of the noise that was added, in 1/255.
        encoding_linf: largest change of a pixel value by the encoding alone, in 1/255.
        noise_kept: share of the noise that is left in the decoded file, 1 for all of it.
    """

    quality: Quality
    noise_linf: int
    encoding_linf: int
    noise_kept: float


def measure(target: Target, protected: Picture, written: Picture, epsilon: int, path: Path) -> Written:
    """Measure a written photo.

    Args:
        target: the photo without noise, and how it was written.
        protected: the same with noise, before encoding.
        written: what the file is decoded to.
        epsilon: bound of the noise, in 1/255.
        path: the file, for messages.

    Raises:
        OutputError: the noise exceeds epsilon, a lossless file does not hold what was written, or a lossy one
            keeps hardly any of the noise.
    """
    clean = target.picture.pixels
    noise_linf, encoding_linf = _largest(clean, protected.pixels), _largest(protected.pixels, written.pixels)
    if noise_linf > epsilon:
        raise OutputError(f"{path}: the noise is {noise_linf}/255, more than {epsilon}/255")
    if target.encoding.lossless:
        if encoding_linf:
            raise OutputError(f"{path}: what is read back differs from what was written by {encoding_linf}/255")
        return Written(compare(clean, written.pixels), noise_linf, 0, 1.0)
    kept = share_kept(clean, protected.pixels, through(target.picture, target.encoding), written.pixels)
    if noise_linf and kept < LEAST_KEPT:
        raise OutputError(
            f"{path}: quality {target.encoding.quality} leaves {100 * max(kept, 0):.0f} % of the noise",
            hint="use a higher --quality, or --format png",
        )
    return Written(compare(clean, written.pixels), noise_linf, encoding_linf, kept)


def unprotected(photo: str) -> ModelError:
    """Return the error for a photo that got no noise."""
    return ModelError(
        f"{photo} would not be protected: the surrogate does not react to it, so it got no noise",
        hint="choose another --surrogate",
    )


def _largest(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> int:
    return int((np.maximum(first, second) - np.minimum(first, second)).max())
