"""How many workers read or write the photos of a run, and when it does so itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from unlearnable.disk import entries
from unlearnable.workers.pool import Pool, cores

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
    return PIXELS_A_BYTE.get(photo.suffix.lower(), PIXELS_A_BYTE_WITH_LOSS) * entries.size_of(photo)


def pool_for(function: Callable[[Job], Answer], pixels: Sequence[float], few: float) -> Pool[Job, Answer]:
    """Return a pool of a worker for each core; without workers where the photos have no more than few pixels."""
    workers = min(cores(), len(pixels)) if sum(pixels) > few else 0
    return Pool(function, lambda job: job.pixels, ROOM, workers)
