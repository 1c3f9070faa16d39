"""`preview`: a photo, its protected copy and the noise between them, in one picture."""

from __future__ import annotations

import math
import os
from pathlib import Path

from unlearnable.errors import ConfigError, InputError, OutputError
from unlearnable.imaging.placement import as_copied, is_reduced
from unlearnable.imaging.visibility import compare, visibility
from unlearnable.report import PreviewReport
from unlearnable.report.pictures import sheet
from unlearnable.storage import files
from unlearnable.storage.folders import published_above, refuse_published, said_among_photos
from unlearnable.training.reading import read_photo


def preview(photo: Path, protected: Path, output: Path | None = None, *, overwrite: bool = False) -> PreviewReport:
    """Write one PNG with the photo, its protected copy and the noise ten times stronger.

    Args:
        photo: original photo.
        protected: protected copy of the photo.
        output: file to write; by default `STEM-preview.png` in the current folder, or above the photos where that is
            one of theirs, in which the picture would count as a photo.
        overwrite: replace an existing file.

    Raises:
        ConfigError: the file to write does not end in .png.
        InputError: a photo cannot be read, or the copy has no size that the photo is reduced to.
        OutputError: the file exists already, is one of the two photos, would be published or cannot be written.
    """
    target = output or _beside(photo, protected) / f"{protected.stem}-preview.png"
    if any(target.exists() and one.exists() and target.samefile(one) for one in (photo, protected)):
        raise OutputError(f"{target} is one of the photos to compare", hint="choose another --output")
    if target.suffix.lower() != ".png":
        raise ConfigError(f"{target}: the picture is a PNG", hint="choose an --output that ends in .png")
    if target.exists() and not overwrite:
        raise files.exists_already(target)
    refuse_published(target)
    before, after = read_photo(photo), read_photo(protected)
    if not is_reduced(before, after):
        raise InputError(
            f"the sizes differ: {photo} is {before.width} x {before.height}, "
            f"{protected} is {after.width} x {after.height}",
            hint="pass a photo and its own protected copy",
        )
    before = as_copied(before, after)
    quality, seen = compare(before.pixels, after.pixels), visibility(before.pixels, after.pixels)
    with files.atomic(target) as temporary:
        sheet(before, after).save(temporary, "PNG", optimize=True)
    return PreviewReport(
        output=str(target),
        photo=str(photo),
        protected=str(protected),
        width=before.width,
        height=before.height,
        linf=quality.linf,
        psnr=round(quality.psnr, 3) if math.isfinite(quality.psnr) else None,
        ssim=round(quality.ssim, 5),
        flip=round(seen.flip, 5),
        delta_e=round(seen.delta_e, 4),
        notes=said_among_photos(target, photo),
    )


def _beside(photo: Path, protected: Path) -> Path:
    """Return the current folder, or the one above the photos where it is one of theirs, as the copy's place tells."""
    root = photo.resolve().parent
    for folder in published_above(protected):
        depth = len(protected.resolve().relative_to(folder).parts)
        root = [*photo.resolve().parents][:depth][-1]
    return Path(os.path.relpath(root.parent)) if Path.cwd().is_relative_to(root) else Path()
