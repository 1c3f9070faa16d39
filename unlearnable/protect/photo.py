"""Read one photo and write its copy; needs no torch, so that a worker starts quickly."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unlearnable.errors import ModelError, OutputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import MAX_SIDE, Encoding, choose_encoding, encode, through
from unlearnable.imaging.looks import PLAIN, Look, Tint, delta_e, tint_of, with_look
from unlearnable.imaging.metadata import PROHIBITED, opt_out_of
from unlearnable.imaging.opening import DecodeError
from unlearnable.imaging.picture import Noisy, Picture, on_white, resized, working_copy
from unlearnable.imaging.visibility import compare, largest_change, share_kept, visibility
from unlearnable.posts import Photo
from unlearnable.protect.layout import SMALLEST
from unlearnable.report import CHANGED, ManifestLine
from unlearnable.report.pictures import Thumbnails, thumbnails
from unlearnable.settings import PLATFORMS, ProtectSettings
from unlearnable.storage import files
from unlearnable.storage.pool import Pool, cores

Copy = NDArray[np.uint8]

PIXELS_A_BYTE = {".png": 0.5, ".tif": 0.4, ".tiff": 0.4, ".bmp": 0.33}
PIXELS_A_BYTE_WITH_LOSS = 4.0
ROOM = 64e6  # pixels of all photos under way; each takes up to about 16 bytes while it is written
LEAST_KEPT = 0.25  # share of the noise; photos of 224 pixels keep 0.76 of it at quality 85, those of 20 pixels 0.18
FINE = 95  # quality, without chroma subsampling, of photos that would keep less


Answer = TypeVar("Answer")


def pool_for(function: Callable[[Any], Answer], pixels: Sequence[float], few: float) -> Pool[Any, Answer]:
    """Return a pool of a worker for each core; without workers where the photos have no more than few pixels."""
    workers = min(cores(), len(pixels)) if sum(pixels) > few else 0
    return Pool(function, lambda job: job.pixels, ROOM, workers)


def estimated_pixels(photo: Path) -> float:
    """Return how many pixels a photo has if its file is as others of its kind; 0 for one that is gone."""
    return PIXELS_A_BYTE.get(photo.suffix.lower(), PIXELS_A_BYTE_WITH_LOSS) * files.size_of(photo)


@dataclass(frozen=True)
class ReadJob:
    """A photo to read, with its estimated number of pixels, for a model of `side` pixels."""

    photo: Photo
    settings: ProtectSettings
    side: int
    pixels: float


@dataclass(frozen=True, eq=False)
class ReadPhoto:
    """What a run keeps of a photo."""

    checksum: str  # of the file
    encoding: Encoding  # of its copy
    size: tuple[int, int]  # (height, width) of its copy
    copy: Copy  # working copy of at most twice the model's size
    tint: Tint | None


def read_one(job: ReadJob) -> ReadPhoto:
    """Decode a photo."""
    checksum = job.photo.sha256()
    target = target_of(job.photo.path, job.settings)
    refuse_changed(job.photo, checksum)
    picture = target.picture
    refuse_small(picture.width, picture.height)
    copy = working_copy(picture.pixels, job.side)
    return ReadPhoto(checksum or "", target.encoding, (picture.height, picture.width), copy, tint_of(copy))


def refuse_changed(photo: Photo, checksum: str | None) -> None:
    """Stop at a photo that no longer has this checksum."""
    now = photo.sha256()
    if now is None or now != checksum:
        raise DecodeError(CHANGED, "it was changed while the run went on" if now else "it is gone or cannot be read")


def refuse_small(width: int, height: int) -> None:
    """Stop at a photo with no room for noise."""
    if min(width, height) < SMALLEST:
        raise DecodeError("too-small", f"{width} x {height}, but at least {SMALLEST} pixels are needed")


@dataclass(frozen=True, eq=False)
class Target:
    """A photo in its published size and with its look, opaque where the file can hold no transparency."""

    picture: Picture
    encoding: Encoding  # how it is written
    original: Picture | None = None  # the same without its look

    def noisy(self, noise: NDArray[np.int8]) -> Noisy:
        """Return the rows of the picture with a noise grid (c, gh, gw), in 1/255."""
        return Noisy(self.picture.pixels, noise)


def target_of(photo: Path, settings: ProtectSettings, look: Look = PLAIN) -> Target:
    """Decode a photo as it will be published with these settings."""
    picture = decode(photo)
    platform = PLATFORMS[settings.platform] if settings.platform else None
    encoding = choose_encoding(picture, settings.format, platform)
    if platform is not None:
        picture = resized(picture, *platform.size(picture.height, picture.width))
    kind = encoding.file_format
    if max(picture.height, picture.width) > (most := MAX_SIDE.get(kind, sys.maxsize)):
        raise DecodeError("too-large", f"a {kind.upper()} has at most {most:,} pixels a side; `format='png'` holds it")
    picture = on_white(picture) if kind == "jpeg" else picture
    return Target(with_look(picture, look), encoding, picture if look != PLAIN else None)


@dataclass(frozen=True)
class Written:
    """A written photo, as it is read back, and what was measured on it."""

    picture: Picture
    noise_kept: float  # share of the noise in the decoded file
    figures: dict[str, Any]  # fields of its manifest line


def write(target: Target, noise: NDArray[np.int8], path: Path, settings: ProtectSettings) -> Written:
    """Write a photo with its noise grid (c, gh, gw), and measure it.

    Where the quality leaves less than `LEAST_KEPT` of the noise, the photo is written at `FINE`.
    """
    written = _write_once(target, noise, path, settings)
    if written.noise_kept < LEAST_KEPT:
        fine = replace(target.encoding, quality=FINE, subsampling=0)
        written = _write_once(replace(target, encoding=fine), noise, path, settings)
    if written.noise_kept < LEAST_KEPT:
        path.unlink()
        left = f"quality {FINE} leaves {100 * max(written.noise_kept, 0):.0f} % of the noise"
        raise DecodeError("too-little-noise", f"{left}; `format='png'` keeps all of it")
    return written


def _write_once(target: Target, noise: NDArray[np.int8], path: Path, settings: ProtectSettings) -> Written:
    clean, encoding, protected = target.picture.pixels, target.encoding, target.noisy(noise)
    noise_linf = largest_change(protected, clean)
    if noise_linf > settings.epsilon:
        raise OutputError(f"{path}: the noise is {noise_linf}/255, more than {settings.epsilon}/255")
    keep, opt_out = settings.keep_metadata, settings.opt_out
    encode(target.picture, path, encoding, keep_metadata=keep, opt_out=opt_out, rows=protected)
    picture = decode(path)
    carried = opt_out_of(picture.xmp)
    if opt_out and carried != PROHIBITED:
        raise OutputError(f"{path}: what is read back carries the opt-out {carried}, not {PROHIBITED}")
    encoding_linf, kept = largest_change(protected, picture.pixels), 1.0
    if encoding.lossless and encoding_linf:
        raise OutputError(f"{path}: what is read back differs from what was written by {encoding_linf}/255")
    if not encoding.lossless:
        kept = share_kept(clean, protected, through(target.picture, encoding), picture.pixels)
    quality = compare(clean, picture.pixels)
    figures = {
        "quality": encoding.quality,
        "linf": quality.linf,
        "noise_linf": noise_linf,
        "encoding_linf": encoding_linf,
        "noise_kept": round(kept, 4),
        "psnr": round(quality.psnr, 3) if math.isfinite(quality.psnr) else None,
        "ssim": round(quality.ssim, 5),
        "opt_out": carried,
    }
    return Written(picture, kept, figures)


@dataclass(frozen=True, eq=False)
class WriteJob:
    """A photo to write."""

    photo: Photo
    settings: ProtectSettings
    path: Path  # of the copy, in the staging folder
    name: str  # of the copy in the output folder
    checksum: str  # of the original
    post: str  # SHA-256 of the photo with its captions
    noise: NDArray[np.int8]
    trigger: str  # empty for methods without one
    captions: list[str]  # as they are published
    pixels: int
    person: int  # whose look it has
    look: Look
    middle: Tint
    side: int  # image size of the models
    line: ManifestLine | None  # of the copy, if a stopped run wrote it


@dataclass(frozen=True, eq=False)
class WrittenPhoto:
    """What a run keeps of a photo that is written."""

    line: ManifestLine
    copy: Copy  # working copy of the file as it is read back
    thumbnails: Thumbnails


def write_one(job: WriteJob) -> WrittenPhoto:
    """Write a photo, unless a stopped run did, and measure what is read back."""
    try:
        target = target_of(job.photo.path, job.settings, job.look)
    finally:  # whatever cannot be decoded now could be before
        refuse_changed(job.photo, job.checksum)
    if job.line is not None:
        line, picture = job.line, decode(job.path)
    else:
        if not largest_change(target.noisy(job.noise), target.picture.pixels):
            raise unprotected(job.photo.id)
        written = write(target, job.noise, job.path, job.settings)
        line, picture = _line(job, target.picture, written), written.picture
    shown = thumbnails(target.picture, picture, target.original)
    return WrittenPhoto(line, working_copy(picture.pixels, job.side), shown)


def _line(job: WriteJob, original: Picture, written: Written) -> ManifestLine:
    seen = visibility(original.pixels, written.picture.pixels)
    return ManifestLine(
        source=job.photo.id,
        output=job.name,
        sha256_in=job.checksum,
        post=job.post,
        sha256_out=files.sha256(job.path),
        bytes_in=files.size_of(job.photo.path),
        bytes_out=files.size_of(job.path),
        width=original.width,
        height=original.height,
        **written.figures,
        person=job.person,
        look_delta_e=round(delta_e(job.look), 2),
        middle_tint=list(job.middle),
        flip=round(seen.flip, 5),
        delta_e=round(seen.delta_e, 4),
        trigger=job.trigger,
        captions=job.captions,
        notes=list(original.lost),
    )


def unprotected(photo: str) -> ModelError:
    """Return the error that a photo's noise would not change it."""
    return ModelError(
        f"{photo} would not be protected: the surrogate does not react to it, so it got no noise",
        hint="protect all anew with another `surrogate`",
    )
