"""What each phase of a run is expected to take: first from the sizes of the files, then from what reading them took."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.progress.reporting import Progress, expect
from unlearnable.protection.timing import optimising_seconds, step_seconds
from unlearnable.workflows.output.layout import Layout
from unlearnable.workflows.protect.preparing.hands import pixels_foreseen
from unlearnable.workflows.protect.preparing.reading import READING
from unlearnable.workflows.protect.preparing.setup import Run, make_ready, method_of
from unlearnable.workflows.protect.writing.readback import CHECKING
from unlearnable.workflows.protect.writing.write_photos import WRITING

# Seconds of one core of 2024: for a megapixel, for one that a screen shows and FLIP compares, and for a photo of any
# size (JPEGs of 0.05, 0.8 and 12 megapixels).
READ, WRITE, CHECK = 0.017, 0.17, 0.04
COMPARE, SHOWN = 1.0, 0.9  # megapixels that a screen shows at most
CHECK_EACH = 0.03
SLOWEST = 20.0  # times these; beyond it reading was held up by something else


def foreseen_and_ready(
    settings: ProtectSettings,
    layout: Layout,
    dataset: Dataset,
    surrogates: list[DualEncoder],
    scratch: Path,
    progress: Progress,
    taken: Iterable[str] = (),
) -> Run:
    """Make a run ready, and say what its phases are expected to take; arguments are those of `make_ready`.

    This is said first by the sizes of the files, then by those of the photos and the seconds that reading them took.
    """
    method, own = method_of(settings)
    models = [step_seconds(model.clone(binds=True), own, len(dataset.photos)) for model in surrogates]
    megapixels = [pixels / 1e6 for photo in dataset.photos if (pixels := pixels_foreseen(photo.path))]
    rounds = optimising_seconds(method.name, own, len(megapixels), models, models[:1]) if megapixels else {}
    expect(progress, photo_seconds(megapixels) | rounds)
    began = time.monotonic()
    run = make_ready(settings, layout, dataset, surrogates, scratch, progress, taken)
    seconds, photos = time.monotonic() - began, len(run.prepared.photos)
    towers = [step_seconds(model, own, photos) for model in run.problem.towers]
    expect(progress, photo_phases(run, seconds) | optimising_seconds(method.name, own, photos, models, towers))
    return run


def photo_phases(run: Run, seconds: float) -> dict[str, float]:
    """Return the expected seconds of the phases that read and write the photos of a run, which it took to read them."""
    megapixels = [one.pixels / 1e6 for one in run.prepared.ready]
    foreseen = READ * sum(megapixels)
    slowness = min(max(seconds / foreseen, 0.5), SLOWEST) if foreseen > 1 else 1.0
    return photo_seconds(megapixels, slowness)


def photo_seconds(megapixels: Sequence[float], slowness: float = 1.0) -> dict[str, float]:
    """Return the expected seconds of the phases that read and write photos.

    Args:
        megapixels: size of each photo.
        slowness: how many times as slow as the machine of the constants this one is.
    """
    total, shown = sum(megapixels), sum(min(each, SHOWN) for each in megapixels)
    seconds = {
        READING: READ * total,
        WRITING: WRITE * total + COMPARE * shown,
        CHECKING: CHECK * total + CHECK_EACH * len(megapixels),
    }
    return {phase: slowness * each for phase, each in seconds.items()}
