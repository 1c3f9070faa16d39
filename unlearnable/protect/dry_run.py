"""`protect --dry-run`: report what a run would do and about how long it would take, from file headers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unlearnable.errors import CheckpointError, InputError, OutputError
from unlearnable.imaging.opening import DecodeError, opened
from unlearnable.methods.optimise import rounds_of
from unlearnable.posts import Dataset, Photo, Skipped
from unlearnable.protect.add import additions, notes_on_published, with_names_of_now
from unlearnable.protect.earlier import Earlier, earlier_result
from unlearnable.protect.layout import SMALLEST, Layout
from unlearnable.protect.posts import open_posts, places_of
from unlearnable.protect.records import all_models, run_key
from unlearnable.protect.resume import continues, finished_report, refuse_both
from unlearnable.protect.setup import known_hashes
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
    """Return what `protect` would do; nothing is decoded, and nothing is written.

    Args:
        settings: settings of the run.
        add: whether only the photos that an earlier result lacks would be protected.
        resume: whether a stopped run would be continued.
        overwrite: whether an earlier result would be replaced.
        progress: receives progress updates.

    Raises:
        UnlearnableError: an error of `protect` before it decodes photos, except those about results that exist
            already, which the plan holds.
    """
    refuse_both(resume=resume, overwrite=overwrite)
    progress = progress or Silent()
    source, layout = places_of(settings)
    dataset, earlier = open_posts(source, settings, progress), earlier_result(layout) if add else None
    if earlier:
        dataset = _additions(settings, dataset, earlier, progress)
    refused = "" if add else _refusal(layout, run_key(settings, dataset), resume=resume, overwrite=overwrite)
    sizes, skipped = _sizes(dataset, known_hashes(dataset, layout, progress))
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
        rounds_at_most=rounds_of(settings.method, settings.of_method) if sizes else 0,
        seconds_estimated=_seconds(settings, [pixels for _, pixels in sizes]),
        bytes_estimated=sum(_bytes(settings, photo, pixels) for photo, pixels in sizes),
        bytes_free=files.free_space(layout.output),
        refused=refused,
    )


def _sizes(dataset: Dataset, protected: set[str]) -> tuple[list[tuple[Photo, int]], list[Skipped]]:
    """Return the photos that can be protected, each with its number of pixels by its header, and the others."""
    sizes, skipped = [], list(dataset.skipped)
    for photo in dataset.photos:
        try:
            with opened(photo.path, to_load=False) as (image, *_):
                size = image.size
            if min(size) < SMALLEST:
                width, height = size
                raise DecodeError("too-small", f"{width} x {height}, but at least {SMALLEST} pixels are needed")
            if protected and photo.sha256() in protected:
                raise DecodeError("already-protected", "made by this tool; protect the original instead")
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
    """Estimate the size of a copy: noise hardly compresses, a lossy file grows by a third of its source at most."""
    if settings.platform is not None:
        return int(0.5 * math.prod(PLATFORMS[settings.platform].size(math.isqrt(pixels), math.isqrt(pixels))))
    lossy = settings.format == "jpeg" or (settings.format == "auto" and photo.path.suffix.lower() in LOSSY_SUFFIXES)
    return int(min(1.3 * files.size_of(photo.path), 0.5 * pixels)) if lossy else 2 * pixels


def _refusal(layout: Layout, key: str, *, resume: bool, overwrite: bool) -> str:
    """Return why `protect` would not write to its folders, with the remedy; empty if it would."""
    try:
        if not (resume and finished_report(layout, key)):
            continues(layout, key, resume=resume, overwrite=overwrite)
    except (CheckpointError, OutputError) as error:
        return error.line
    return ""


def _additions(settings: ProtectSettings, dataset: Dataset, earlier: Earlier, progress: Progress) -> Dataset:
    """Return the posts to be added, and note which copies and captions would stay as they were."""
    earlier = with_names_of_now(earlier, dataset)
    for note in notes_on_published(dataset, earlier, settings):
        progress.note(note)
    return additions(dataset, earlier)
