"""Write one photo, measure what is read back, and refuse it where it is not what was promised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearnable.config import ProtectSettings
from unlearnable.errors import OutputError
from unlearnable.imaging.arrays import SomeRows, strips
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.encode import Encoded, encode
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.visibility import Quality, compare, share_kept
from unlearnable.imaging.xmp import PROHIBITED, opt_out_of
from unlearnable.workflows.protect.preparing.target import Target

LEAST_KEPT = 0.25  # share of the noise; photos of 224 pixels keep 0.76 of it at quality 85, those of 20 pixels 0.18
FINE = 95  # quality, without chroma subsampling, of photos that would keep less


@dataclass(frozen=True)
class Written:
    """A written photo, as it is read back, and what was measured on it.

    Attributes:
        picture: the decoded file.
        encoding_quality: quality of a lossy file, 1 to 100; None for a lossless one.
        quality: the decoded file against the original.
        noise_linf: largest value of the noise that was added, in 1/255.
        encoding_linf: largest change of a pixel value by the encoding alone, in 1/255.
        noise_kept: share of the noise that is left in the decoded file, 1 for all of it.
        opt_out: the opt-out that the file carries, such as DMI-PROHIBITED-AIMLTRAINING; None without one.
    """

    picture: Picture
    encoding_quality: int | None
    quality: Quality
    noise_linf: int
    encoding_linf: int
    noise_kept: float
    opt_out: str | None


def write(target: Target, noise: NDArray[np.int8], path: Path, settings: ProtectSettings, photo: str) -> Written:
    """Write a photo with its noise, and measure it.

    Where the quality leaves less than `LEAST_KEPT` of the noise and was not asked for, the photo is written at `FINE`.

    Args:
        target: the photo without noise, and how it is written.
        noise: its noise grid (c, gh, gw).
        path: file to write.
        settings: bound of the noise, quality, and metadata to keep.
        photo: what the user calls it.

    Raises:
        DecodeError: a lossy file keeps hardly any of the noise, as some do of few pixels.
        OutputError: the noise exceeds epsilon, a lossless file does not hold what was written, a lossy one keeps
            hardly any of the noise at the quality that was asked for, or the opt-out is not in the file.
    """
    written = _once(target, noise, path, settings)
    if written.noise_kept < LEAST_KEPT and settings.quality is None:
        target = replace(target, encoding=replace(target.encoding, quality=FINE, subsampling=0))
        written = _once(target, noise, path, settings)
    if written.noise_kept < LEAST_KEPT:
        path.unlink()
        left = f"quality {written.encoding_quality} leaves {100 * max(written.noise_kept, 0):.0f} % of the noise"
        if settings.quality is None:
            raise DecodeError("too-little-noise", f"{left}; --format png keeps all of it")
        raise OutputError(f"{photo}: {left}", hint="use a higher --quality, or --format png")
    return written


def _once(target: Target, noise: NDArray[np.int8], path: Path, settings: ProtectSettings) -> Written:
    clean, encoding, protected = target.picture.pixels, target.encoding, target.noisy(noise, settings)
    noise_linf = _largest(protected, clean)
    if noise_linf > settings.epsilon:
        raise OutputError(f"{path}: the noise is {noise_linf}/255, more than {settings.epsilon}/255")
    alone = None if encoding.lossless else Encoded(target.picture, encoding)
    picture, keep = target.picture, settings.keep_metadata
    encode(picture, path, encoding, keep_metadata=keep, opt_out=settings.opt_out, rows=protected)
    picture = decode(path)
    opt_out = opt_out_of(picture.xmp)
    if settings.opt_out and opt_out != PROHIBITED:
        raise OutputError(f"{path}: what is read back carries the opt-out {opt_out}, not {PROHIBITED}")
    encoding_linf, kept = _largest(protected, picture.pixels), 1.0
    if encoding.lossless and encoding_linf:
        raise OutputError(f"{path}: what is read back differs from what was written by {encoding_linf}/255")
    if alone is not None:
        kept = share_kept(clean, protected, alone.decoded(), picture.pixels)
    quality = compare(clean, picture.pixels)
    return Written(picture, encoding.quality, quality, noise_linf, encoding_linf, kept, opt_out)


def _largest(first: SomeRows, second: NDArray[np.uint8]) -> int:
    parts = ((first[rows], second[rows]) for rows in strips(*second.shape[:2]))
    return max(int((np.maximum(one, other) - np.minimum(one, other)).max()) for one, other in parts)
