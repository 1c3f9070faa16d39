"""Curves as inline SVG without script or colour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, BOTTOM = 340, 200, 44, 36
DASHES = ("", "7 3", "2 3", "9 3 2 3", "1 4", "12 4")


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
