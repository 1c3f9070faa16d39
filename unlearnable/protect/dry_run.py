"""`protect --dry-run`: report what a run would do and about how long it would take, from file headers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unlearnable.errors import CheckpointError, InputError, OutputError
from unlearnable.imaging.opening import DecodeError, opened
from unlearnable.methods.optimise import rounds_of
from unlearnable.posts import Dataset, Photo, Skipped
from unlearnable.protect.add import earlier_result, new_posts
from unlearnable.protect.layout import Layout
from unlearnable.protect.photo import refuse_small
from unlearnable.protect.posts import open_posts, places_of
from unlearnable.protect.read import ALREADY, estimated_bytes, known_copies
from unlearnable.protect.records import all_models, run_key
from unlearnable.protect.resume import can_resume, finished_report, refuse_both
from unlearnable.report import ProtectPlan, SkippedRecord
from unlearnable.settings import PLATFORMS, ProtectSettings
from unlearnable.storage import files
from unlearnable.storage.progress import Progress, Silent

START = 25.0  # seconds until the first round, with the bundled models
A_PHOTO = {"fast": 0.2, "balanced": 0.9, "strong": 1.1}  # seconds of one core, with the bundled models
A_MEGAPIXEL = 0.33  # seconds of one core to read, write and check
LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".heic", ".heif", ".avif", ".webp"})


def plan(
    settings: ProtectSettings,
    *,
    add: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ProtectPlan:
    """Return what `protect` would do with these arguments; nothing is decoded, and nothing is written.

    Raises:
        UnlearnableError: an error of `protect` before it decodes photos, except those about results that exist
            already, which the plan holds.
    """
    refuse_both(resume=resume, overwrite=overwrite)
    progress = progress or Silent()
    source, layout = places_of(settings)
    dataset, refused = open_posts(source, settings, progress), ""
    if add:
        dataset = new_posts(dataset, earlier_result(layout), settings, progress)
    else:
        refused = _refusal(layout, run_key(settings, dataset), resume=resume, overwrite=overwrite)
    sizes, skipped = _sizes(dataset, known_copies(dataset, layout))
    if not sizes and not add:
        raise InputError(f"no photo in {dataset.root} can be protected; {skipped[0].line}")
    captions = dataset.pairs_by_photo()
    return ProtectPlan(
        output=str(layout.output),
        caption_format=dataset.format,
        photos=len(sizes),
        not_photos=dict(dataset.others),
        captions_found=dataset.captioned,
        captions=sum(len(captions[photo.id]) for photo, _ in sizes),
        skipped=[SkippedRecord.of(skip) for skip in skipped],
        surrogates=all_models(settings),
        rounds_at_most=rounds_of(settings.method, settings.hyperparameters) if sizes else 0,
        seconds_estimated=_seconds(settings, [pixels for _, pixels in sizes]),
        bytes_estimated=sum(_bytes(settings, photo, pixels) for photo, pixels in sizes),
        bytes_free=files.free_space(layout.output),
        refused=refused,
    )


def _refusal(layout: Layout, key: str, *, resume: bool, overwrite: bool) -> str:
    """Return why `protect` would not write to its folders, with the remedy; empty if it would."""
    try:
        if not (resume and finished_report(layout, key)):
            can_resume(layout, key, resume=resume, overwrite=overwrite)
    except (CheckpointError, OutputError) as error:
        return error.line
    return ""


def _sizes(dataset: Dataset, copies: set[str]) -> tuple[list[tuple[Photo, int]], list[Skipped]]:
    """Return the photos that can be protected, each with its number of pixels by its header, and the others."""
    sizes, skipped = [], list(dataset.skipped)
    for photo in dataset.photos:
        try:
            with opened(photo.path, to_load=False) as (image, *_):
                size = image.size
            refuse_small(*size)
            if copies and photo.sha256() in copies:
                raise DecodeError(*ALREADY)
            sizes.append((photo, math.prod(size)))
        except DecodeError as error:
            skipped.append(Skipped(photo.id, error.reason, error.detail))
    return sizes, skipped


def _seconds(settings: ProtectSettings, pixels: Sequence[int]) -> float | None:
    """Return about how long a run takes on one core; None for models that are not bundled."""
    if not pixels:
        return 0.0
    if settings.surrogate != ("small",) or settings.method != "mem":
        return None
    return round(START + len(pixels) * A_PHOTO[settings.preset] + sum(pixels) / 1e6 * A_MEGAPIXEL, 1)


def _bytes(settings: ProtectSettings, photo: Photo, pixels: int) -> int:
    if settings.platform is not None:
        return int(0.5 * math.prod(PLATFORMS[settings.platform].size(math.isqrt(pixels), math.isqrt(pixels))))
    lossy = settings.format == "jpeg" or (settings.format == "auto" and photo.path.suffix.lower() in LOSSY_SUFFIXES)
    return estimated_bytes(photo, pixels, lossy=lossy)
