"""What each phase of a run is expected to take: first from the sizes of the files, then from what reading them took."""

from __future__ import annotations

from collections.abc import Sequence

READING, WRITING, CHECKING = (
    "reading photos",
    "writing photos",
    "checking the written files",
)  # phases, as they are shown
# Seconds of one core of 2024: for a megapixel, for one that a screen shows and FLIP compares, and for a photo of any
# size (JPEGs of 0.05, 0.8 and 12 megapixels).
READ, WRITE, CHECK = 0.017, 0.17, 0.04
COMPARE, SHOWN = 1.0, 0.9  # megapixels that a screen shows at most
CHECK_EACH = 0.03
SLOWEST = 20.0  # times these; beyond it reading was held up by something else


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


def slowness(megapixels: Sequence[float], seconds: float) -> float:
    """Return how many times as slow as the machine of the constants this one is, which took so long to read photos."""
    foreseen = READ * sum(megapixels)
    return min(max(seconds / foreseen, 0.5), SLOWEST) if foreseen > 1 else 1.0
