"""`unlearnable list KIND`: what this installation has."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from unlearnable.cli import options
from unlearnable.cli.console import print_json, print_rows

Rows = list[tuple[str, str]]


class Kind(StrEnum):
    """What can be listed."""

    methods = "methods"
    models = "models"
    formats = "formats"
    attacks = "attacks"
    attackers = "attackers"
    datasets = "datasets"
    schemas = "schemas"


def list_kind(
    kind: Annotated[Kind, typer.Argument(help="What to list.", show_default=False)],
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """List methods, models, caption formats, attacks, attackers, data sets, or the JSON schemas of the reports."""
    if kind is Kind.schemas:
        from unlearnable.report import schemas

        print_json({"schema_version": 1, "schemas": schemas()})
        return
    rows = _ROWS[kind]()
    if as_json:
        items = [{"name": name, "summary": summary} for name, summary in rows]
        print_json({"schema_version": 1, kind.value: items})
    else:
        print_rows(rows)


def _methods() -> Rows:
    from unlearnable.methods import METHODS

    return [(name, METHODS.summary(name)) for name in METHODS]


def _formats() -> Rows:
    from unlearnable.posts.readers import FORMATS

    return [(name, FORMATS.summary(name)) for name in FORMATS]


def _models() -> Rows:
    """The bundled models, small ones to be trained, and open_clip's with their weights."""
    import open_clip

    from unlearnable.models import bundled
    from unlearnable.models.bundled import ARCHITECTURES, cached
    from unlearnable.models.header import is_like_clip

    rows = [(name, "bundled, works offline") for name in bundled.NAMES]
    for name in [name for name in ARCHITECTURES if name not in bundled.NAMES]:
        rows.append((name, f"trained: {cached(name)}" if cached(name).is_file() else "`unlearnable train` makes it"))
    for name in open_clip.list_models():
        tags = open_clip.list_pretrained_tags_by_model(name)
        if tags and is_like_clip(open_clip.get_model_config(name)):
            rows.append((name, ", ".join(f"{name}:{tag}" for tag in tags)))
    return rows


def _attacks() -> Rows:
    from unlearnable.verify.attacks import catalogue, describe

    return [(name, describe(name)) for name in catalogue()]


def _attackers() -> Rows:
    from unlearnable.verify.attackers import ATTACKERS

    return [(name, ATTACKERS.summary(name)) for name in ATTACKERS]


def _datasets() -> Rows:
    """The data sets of `benchmark`, with where each was found or can be had."""
    from unlearnable.benchmark import SUITES
    from unlearnable.benchmark.run import find_data

    rows = []
    for name, suite in SUITES.items():
        place = find_data(suite)
        rows.append((name, f"{SUITES.summary(name)} {f'at {place}' if place else suite.published}"))
    return rows


_ROWS = {
    Kind.methods: _methods,
    Kind.models: _models,
    Kind.formats: _formats,
    Kind.attacks: _attacks,
    Kind.attackers: _attackers,
    Kind.datasets: _datasets,
}
