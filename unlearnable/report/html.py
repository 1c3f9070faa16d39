"""Pages for people, each one self-contained file. Whatever comes from file names and captions is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from unlearnable.report.curves import Chart, chart, mean_curve
from unlearnable.report.rows import table_rows
from unlearnable.results import ManifestLine, ProtectReport, VerifyReport


def protect_page(report: ProtectReport, manifest: Sequence[ManifestLine]) -> str:
    """The page of a `protect` run: figures, captions with their trigger marked, and what was skipped."""
    made = [(line, [split(caption, line.trigger) for caption in line.captions]) for line in manifest if line.output]
    return _templates().get_template("protect.html").render(report=report, made=made)


def verify_page(report: VerifyReport) -> str:
    """The page of a `verify` run: the verdict, the table, the curves, and how to read them."""
    victims = list(dict.fromkeys(cell.victim for cell in report.cells))
    charts = {victim: _charts(report, victim) for victim in victims}
    page = _templates().get_template("verify.html")
    return page.render(report=report, rows=table_rows(report), charts=charts)


def split(caption: str, trigger: str) -> tuple[str, str, str]:
    """The caption before, at and after its trigger, in whatever case it stands there."""
    found = re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", caption, re.IGNORECASE) if trigger else None
    if found is None:
        return caption, "", ""
    return caption[: found.start()], found.group(), caption[found.end() :]


def _charts(report: VerifyReport, victim: str) -> list[Chart]:
    """Loss and held-out Medr of each arm, mean over the seeds."""
    arms = dict.fromkeys((cell.data, cell.through) for cell in report.cells if cell.victim == victim)
    losses, ranks = {}, {}
    for data, through in arms:
        cells = [c for c in report.cells if (c.victim, c.data, c.through) == (victim, data, through)]
        label = data if through == "png" else f"{data}, {through}"
        losses[label] = mean_curve([cell.loss_curve for cell in cells])
        ranks[label] = mean_curve([cell.medr_curve for cell in cells])
    drawn = chart("training loss", losses), chart("held-out Medr, text to image", ranks)
    return [one for one in drawn if one is not None]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    loader = PackageLoader("unlearnable.report", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
