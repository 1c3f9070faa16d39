"""A series as one line of text, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

BLOCKS, PLAIN = "▁▂▃▄▅▆▇█", "_.:-=+*#"


def sparkline(values: Sequence[float | None], width: int = 32, *, top: float | None = None, plain: bool = False) -> str:
    """Return a series as at most `width` characters; a longer one is averaged down.

    Args:
        values: the series; what is None or not finite becomes a space.
        width: most characters.
        top: the value of the highest mark, above 0 for the lowest; without it marks go from the lowest value to the
            highest.
        plain: whether to use ASCII marks alone.

    Returns:
        The line, or "" where no value is finite.
    """
    known = [value if value is not None and math.isfinite(value) else None for value in values]
    if all(value is None for value in known):
        return ""
    count = min(width, len(known))
    parts = [known[len(known) * n // count : len(known) * (n + 1) // count] for n in range(count)]
    means = [fmean(some) if (some := [value for value in part if value is not None]) else None for part in parts]
    finite = [value for value in means if value is not None]
    low, high = (min(finite), max(finite)) if top is None else (0.0, top)
    marks = PLAIN if plain else BLOCKS

    def mark(value: float) -> str:
        step = int((value - low) / (high - low) * len(marks)) if high > low else 0
        return marks[max(0, min(len(marks) - 1, step))]

    return "".join(" " if value is None else mark(value) for value in means)
