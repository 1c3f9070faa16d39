"""Read one photo and write its copy; needs no torch, so that a worker starts quickly."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from unlearnable.errors import ModelError, OutputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import MAX_SIDE, Encoded, Encoding, choose_encoding, encode
from unlearnable.imaging.metadata import PROHIBITED, joins, opt_out_of
from unlearnable.imaging.opening import DecodeError
from unlearnable.imaging.picture import Picture, SomeRows, differ, on_white, strips
from unlearnable.imaging.placement import Noisy, resized, working_copy
from unlearnable.imaging.visibility import Quality, compare, share_kept, visibility
from unlearnable.posts import Photo
from unlearnable.protect.layout import SMALLEST
from unlearnable.report import ManifestLine
from unlearnable.report.pictures import Thumbnails, thumbnails
from unlearnable.report.protect import CHANGED
from unlearnable.settings import PLATFORMS, ProtectSettings
from unlearnable.storage import checksums, files
from unlearnable.storage.pool import Pool, cores


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
        return Noisy(self.picture.pixels, noise)

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
    encoding = choose_encoding(picture, settings.format, platform)
    if platform is not None:
        picture = resized(picture, *platform.size(picture.height, picture.width))
    kind = encoding.file_format
    if max(picture.height, picture.width) > (most := MAX_SIDE.get(kind, sys.maxsize)):
        raise DecodeError("too-large", f"a {kind.upper()} has at most {most:,} pixels a side; `format='png'` holds it")
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
    return PIXELS_A_BYTE.get(photo.suffix.lower(), PIXELS_A_BYTE_WITH_LOSS) * files.size_of(photo)


def pool_for(function: Callable[[Job], Answer], pixels: Sequence[float], few: float) -> Pool[Job, Answer]:
    """Return a pool of a worker for each core; without workers where the photos have no more than few pixels."""
    workers = min(cores(), len(pixels)) if sum(pixels) > few else 0
    return Pool(function, lambda job: job.pixels, ROOM, workers)


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


def write(target: Target, noise: NDArray[np.int8], path: Path, settings: ProtectSettings) -> Written:
    """Write a photo with its noise, and measure it.

    Where the quality leaves less than `LEAST_KEPT` of the noise, the photo is written at `FINE`.

    Args:
        target: the photo without noise, and how it is written.
        noise: its noise grid (c, gh, gw).
        path: file to write.
        settings: bound of the noise, and metadata to keep.

    Raises:
        DecodeError: a lossy file keeps hardly any of the noise, as some do of few pixels.
        OutputError: the noise exceeds epsilon, a lossless file does not hold what was written, or the opt-out is not
            in the file.
    """
    written = _once(target, noise, path, settings)
    if written.noise_kept < LEAST_KEPT:
        target = replace(target, encoding=replace(target.encoding, quality=FINE, subsampling=0))
        written = _once(target, noise, path, settings)
    if written.noise_kept < LEAST_KEPT:
        path.unlink()
        left = f"quality {written.encoding_quality} leaves {100 * max(written.noise_kept, 0):.0f} % of the noise"
        raise DecodeError("too-little-noise", f"{left}; `format='png'` keeps all of it")
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


Copy = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class WriteJob:
    """A photo to write.

    Attributes:
        photo: the original.
        settings: settings of the run.
        folder: the staging folder.
        name: path of the copy in it.
        checksum: SHA-256 of the original.
        post: SHA-256 of the photo with its captions.
        noise: noise grid.
        trigger: words of the trigger; empty for methods without one.
        captions: captions as they are published.
        pixels: number of pixels.
        side: image size of the models.
        line: manifest line of the copy if a stopped run wrote it.
    """

    photo: Photo
    settings: ProtectSettings
    folder: Path
    name: str
    checksum: str
    post: str
    noise: NDArray[np.int8]
    trigger: str
    captions: list[str]
    pixels: int
    side: int
    line: ManifestLine | None

    @property
    def path(self) -> Path:
        """The copy in the staging folder."""
        return self.folder / self.name


@dataclass(frozen=True, eq=False)
class WrittenPhoto:
    """What a run keeps of a photo that is written.

    Attributes:
        line: its manifest line.
        copy: working copy of the file as it is read back.
        unencoded: working copy of what was encoded; `copy` itself where the file is lossless.
        thumbnails: what a page shows of it; None where the original has changed since it was written.
    """

    line: ManifestLine
    copy: Copy
    unencoded: Copy
    thumbnails: Thumbnails | None


def write_one(job: WriteJob) -> WrittenPhoto:
    """Write a photo, unless a stopped run did, and measure what is read back.

    Raises:
        DecodeError: the original has changed since it was read, or cannot be decoded any more.
        ModelError: the noise would not change it.
        OutputError: the file cannot be written, or is not what was promised.
    """
    if job.line is not None:
        return _read_back(job, job.line)
    try:
        target, original = target_of(job.photo.path, job.settings), job.photo.path.stat()
    finally:  # whatever cannot be decoded now could be before
        refuse_changed(job.photo, job.checksum)
    if not differ(target.noisy(job.noise, job.settings), target.picture.pixels):
        raise unprotected(job.photo.id)
    written = write(target, job.noise, job.path, job.settings)
    copy = working_copy(written.picture.pixels, job.side)
    line, shown = _line(job, original.st_size, target, written), thumbnails(target.picture, written.picture)
    del written  # one picture less in memory
    return WrittenPhoto(line, copy, _unencoded(job, target, copy), shown)


def _line(job: WriteJob, bytes_in: int, target: Target, written: Written) -> ManifestLine:
    quality, picture = written.quality, target.picture
    seen = visibility(picture.pixels, written.picture.pixels)
    return ManifestLine(
        source=job.photo.id,
        output=job.name,
        sha256_in=job.checksum,
        post=job.post,
        sha256_out=checksums.sha256(job.path),
        bytes_in=bytes_in,
        bytes_out=job.path.stat().st_size,
        width=picture.width,
        height=picture.height,
        quality=written.encoding_quality,
        linf=quality.linf,
        noise_linf=written.noise_linf,
        encoding_linf=written.encoding_linf,
        noise_kept=round(written.noise_kept, 4),
        psnr=round(quality.psnr, 3) if math.isfinite(quality.psnr) else None,
        ssim=round(quality.ssim, 5),
        flip=round(seen.flip, 5),
        delta_e=round(seen.delta_e, 4),
        trigger=job.trigger,
        captions=job.captions,
        opt_out=written.opt_out,
        notes=list(picture.lost),
    )


def _read_back(job: WriteJob, line: ManifestLine) -> WrittenPhoto:
    picture = decode(job.path)
    copy = working_copy(picture.pixels, job.side)
    try:
        target = target_of(job.photo.path, job.settings)
        refuse_changed(job.photo, job.checksum)
    except DecodeError:
        return WrittenPhoto(line, copy, copy, None)
    return WrittenPhoto(line, copy, _unencoded(job, target, copy), thumbnails(target.picture, picture))


def _unencoded(job: WriteJob, target: Target, copy: Copy) -> Copy:
    """Return the working copy of what was encoded, where the one of the file that is read back may differ from it."""
    if target.encoding.lossless:
        return copy
    return working_copy(target.protected(job.noise, job.settings).pixels, job.side)


def unprotected(photo: str) -> ModelError:
    """Return what to say of a photo that its noise would not change."""
    return ModelError(
        f"{photo} would not be protected: the surrogate does not react to it, so it got no noise",
        hint="protect all anew with `overwrite=True` and another `surrogate`",
    )
