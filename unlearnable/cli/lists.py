"""`unlearnable methods | models | formats | attacks | attackers | datasets`: what this installation has.

They show no progress, and take `--quiet` as all commands do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unlearnable.cli import options
from unlearnable.cli.console import print_json, print_rows


def methods(as_json: options.Json = False, quiet: options.Quiet = False, debug: options.Debug = False) -> None:
    """List the methods of protection."""
    from unlearnable.methods import METHODS

    _show("methods", [(name, METHODS.summary(name)) for name in METHODS], as_json)


def formats(as_json: options.Json = False, quiet: options.Quiet = False, debug: options.Debug = False) -> None:
    """List the caption formats that are read and written back."""
    from unlearnable.datasets.formats import FORMATS

    _show("formats", [(name, FORMATS.summary(name)) for name in FORMATS], as_json)


def models(as_json: options.Json = False, quiet: options.Quiet = False, debug: options.Debug = False) -> None:
    """List surrogates and victims: the bundled ones, small ones to be trained, open_clip's with their weights."""
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
    _show("models", rows, as_json)


def attacks(as_json: options.Json = False, quiet: options.Quiet = False, debug: options.Debug = False) -> None:
    """List the attacks, what a scraper may do to photos and captions; "+" joins several, other numbers can be given."""
    from unlearnable.verify.attacks import catalogue, describe

    _show("attacks", [(name, describe(name)) for name in catalogue()], as_json)


def attackers(as_json: options.Json = False, quiet: options.Quiet = False, debug: options.Debug = False) -> None:
    """List the attackers of `verify`, what somebody may do in the training to get past the protection."""
    from unlearnable.verify.attackers import ATTACKERS

    _show("attackers", [(name, ATTACKERS.summary(name)) for name in ATTACKERS], as_json)


def datasets(as_json: options.Json = False, quiet: options.Quiet = False, debug: options.Debug = False) -> None:
    """List the data sets of `benchmark`, where each was found or where it can be had."""
    from unlearnable.benchmarks import SUITES
    from unlearnable.benchmarks.study import find_data

    rows = []
    for name, suite in SUITES.loadable():
        place = find_data(suite)
        rows.append((name, f"{SUITES.summary(name)} {f'at {place}' if place else suite.published}"))
    _show("datasets", rows, as_json)


COMMANDS: dict[str, Callable[..., None]] = {
    "methods": methods,
    "formats": formats,
    "models": models,
    "attacks": attacks,
    "attackers": attackers,
    "datasets": datasets,
}


def _show(title: str, rows: Sequence[tuple[str, str]], as_json: bool) -> None:
    if as_json:
        items = [{"name": name, "summary": summary} for name, summary in rows]
        print_json({"schema_version": 1, title: items})
        return
    print_rows(rows)
