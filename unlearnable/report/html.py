"""Report pages, each one self-contained file, and their curves; file names, captions and notes are escaped.

The content security policy of each page loads nothing and runs no script but our own, named by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unlearnable.report import BenchmarkReport, ManifestLine, ProtectReport
from unlearnable.report.pictures import GAIN, THUMBNAIL, Thumbnails, data_uri
from unlearnable.settings import ProtectSettings
from unlearnable.wording import counted

Parts = tuple[str, str, str]
WIDTH, HEIGHT, LEFT, BOTTOM = 340, 200, 44, 36
DASHES = ("", "7 3", "2 3", "9 3 2 3", "1 4", "12 4")  # of curves, which need no colour


class Card(NamedTuple):
    """A photo that the page shows, with its captions cut at the trigger."""

    line: ManifestLine
    captions: list[Parts]
    pictures: Thumbnails


class Script(NamedTuple):
    """The one script of the pages, and its hash as a content security policy names it."""

    script: Markup
    hash: str


def protect_page(
    report: ProtectReport,
    manifest: Sequence[ManifestLine],
    settings: ProtectSettings,
    pictures: Mapping[str, Thumbnails],
) -> str:
    """Return the page of a `protect` run: figures, photos, captions with their trigger marked, and what was skipped.

    `pictures` has the thumbnails of the photos to show, by the path of the copy.
    """
    made = [(line, [split(caption, line.trigger) for caption in line.captions]) for line in manifest if line.output]
    cards = [Card(line, parts, pictures[name]) for line, parts in made if (name := line.output or "") in pictures]
    cards.sort(key=lambda card: -(card.line.flip or 0.0))
    listed = settings.model_dump(mode="json", exclude_none=True)
    page = templates().get_template("protect.html")
    return page.render(report=report, made=made, cards=cards, settings=listed, most=THUMBNAIL, gain=GAIN)


def benchmark_page(report: BenchmarkReport) -> str:
    """Return the page of a `benchmark` run, with its figures from the folder of its output."""
    figures = [data_uri(Path(report.output) / name) for name in report.figures]
    return templates().get_template("benchmark.html").render(report=report, figures=figures)


def split(caption: str, trigger: str) -> Parts:
    """Return a caption before, at and after its trigger, which is found in any case."""
    found = re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", caption, re.IGNORECASE) if trigger else None
    if found is None:
        return caption, "", ""
    return caption[: found.start()], found.group(), caption[found.end() :]


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return the templates of the pages."""
    loader = PackageLoader("unlearnable.report", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    script = "\n" + loader.get_source(environment, "slider.js")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    environment.filters["counted"] = counted
    environment.filters["plain_name"] = lambda model: Path(model).name
    environment.globals["slider"] = Script(Markup(script), f"sha256-{digest}")
    return environment


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
