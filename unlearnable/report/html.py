"""The page of a `protect` run: figures, settings, captions with their trigger marked, and what was skipped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from unlearnable.results import ManifestLine, ProtectReport


def protect_page(report: ProtectReport, manifest: Sequence[ManifestLine]) -> str:
    """One self-contained HTML page. Whatever comes from file names and captions is escaped."""
    made = [(line, [split(caption, line.trigger) for caption in line.captions]) for line in manifest if line.output]
    return _template().render(report=report, made=made)


def split(caption: str, trigger: str) -> tuple[str, str, str]:
    """The caption before, at and after its trigger."""
    before, found, after = caption.partition(trigger) if trigger else (caption, "", "")
    return before, found, after


@lru_cache(maxsize=1)
def _template() -> Template:
    loader = PackageLoader("unlearnable.report", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("protect.html")
