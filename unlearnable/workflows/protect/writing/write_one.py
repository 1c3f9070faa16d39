"""Write one photo, or read back one that is written; needs no torch, so that a worker starts quickly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearnable.config import ProtectSettings
from unlearnable.datasets.types import Photo
from unlearnable.disk import checksums, modes
from unlearnable.errors import ModelError
from unlearnable.imaging.arrays import differ
from unlearnable.imaging.decode import decode
from unlearnable.imaging.opening import DecodeError
from unlearnable.imaging.placement import working_copy
from unlearnable.imaging.visibility import visibility
from unlearnable.report.pictures import Thumbnails, thumbnails
from unlearnable.results import ManifestLine
from unlearnable.workflows.protect.preparing.read_one import refuse_changed
from unlearnable.workflows.protect.preparing.target import Target, target_of
from unlearnable.workflows.protect.writing.written import Written, write

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
    written = write(target, job.noise, job.path, job.settings, job.photo.id)
    modes.set_mode(job.path, original.st_mode)
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
        hint="protect all anew with --overwrite and another --surrogate",
    )
