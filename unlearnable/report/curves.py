"""Curves: inline SVG without script or colour, and one line of text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, BOTTOM = 340, 200, 44, 36
DASHES = ("", "7 3", "2 3", "9 3 2 3", "1 4", "12 4")
BLOCKS, PLAIN = "▁▂▃▄▅▆▇█", "_.:-=+*#"


class Curve(NamedTuple):
    """One curve of a chart: its name in the legend, and corners and pattern of the stroke as SVG writes them."""

    label: str
    points: str
    dashes: str


class Chart(NamedTuple):
    """A chart as a template draws it."""

    title: str  # the quantity on the y axis
    curves: tuple[Curve, ...]
    ticks_x: tuple[tuple[float, str], ...]  # place in pixels and text
    ticks_y: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT  # pixels from the left edge to the y axis
    bottom: int = BOTTOM  # pixels from the lower edge to the x axis


def chart(title: str, series: Mapping[str, Sequence[float]]) -> Chart | None:
    """Return a chart of series over the epochs 1, 2, ..., or None where there is nothing to draw.

    Values that are not finite are left out.
    """
    values = [value for points in series.values() for value in points if math.isfinite(value)]
    longest = max((len(points) for points in series.values()), default=0)
    if not values or longest < 2:
        return None
    top = _round_up(max(values))

    def x(n: int) -> float:
        return round(LEFT + (WIDTH - LEFT - 8) * n / (longest - 1), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 10) * value / top, 1)

    curves = []
    for number, (label, points) in enumerate(series.items()):
        corners = " ".join(f"{x(n)},{y(value)}" for n, value in enumerate(points) if math.isfinite(value))
        curves.append(Curve(label, corners, DASHES[number % len(DASHES)]))
    ticks_x = tuple((x(n), str(n + 1)) for n in sorted({0, (longest - 1) // 2, longest - 1}))
    ticks_y = tuple((y(top * part), f"{top * part:g}") for part in (0, 0.5, 1))
    return Chart(title, tuple(curves), ticks_x, ticks_y)


def _round_up(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in (1, 2, 5, 10) if step * power >= value), value)


def mean_curve(curves: Sequence[Sequence[float | None]]) -> list[float]:
    """Return the mean of several curves, up to the end of the shortest; steps at which a value is None are left out."""
    steps = ([value for value in values if value is not None] for values in zip(*curves, strict=False))
    return [sum(known) / len(known) for known in steps if len(known) == len(curves)]


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
    count = min(width, len(known))
    parts = [known[len(known) * n // count : len(known) * (n + 1) // count] for n in range(count)]
    means = [fmean(some) if (some := [value for value in part if value is not None]) else None for part in parts]
    finite = [value for value in means if value is not None]
    if not finite:
        return ""
    low, high = (min(finite), max(finite)) if top is None else (0.0, top)
    marks = PLAIN if plain else BLOCKS

    def mark(value: float) -> str:
        step = int((value - low) / (high - low) * len(marks)) if high > low else 0
        return marks[max(0, min(len(marks) - 1, step))]

    return "".join(" " if value is None else mark(value) for value in means)
