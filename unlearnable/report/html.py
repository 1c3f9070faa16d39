"""Report pages, each one self-contained file; file names, captions and notes are escaped.

The content security policy of each page loads nothing and runs no script but our own, named by its hash.
"""

import base64
import hashlib
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


class Card(NamedTuple):
    """A photo that the page shows, with its captions cut at the trigger."""

    line: ManifestLine
    captions: list[Parts]
    pictures: Thumbnails


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
    environment.globals["slider"] = {"script": Markup(script), "hash": f"sha256-{digest}"}
    return environment
