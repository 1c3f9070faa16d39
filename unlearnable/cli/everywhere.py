"""What every command takes, so that a script may pass it to any: here for those that have nothing to set with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from unlearnable import config
from unlearnable.cli.options import MORE, PrintConfig, place, whole
from unlearnable.cli.runner import print_settings

NOTHING = "Taken as by every command;"
OPTIONS: dict[str, Any] = {
    "seed": Annotated[
        int | None,
        typer.Option(
            help=f"{NOTHING} nothing is drawn at random here.",
            metavar="INTEGER",
            rich_help_panel=MORE,
            show_default=False,
            parser=whole(0, 2**63 - 1),
        ),
    ],
    "device": Annotated[
        config.Device | None,
        typer.Option(help=f"{NOTHING} no model runs here.", rich_help_panel=MORE, show_default=False),
    ],
    "config_file": Annotated[
        Path | None,
        typer.Option(
            "--config",
            help=f"{NOTHING} there is nothing to set here.",
            rich_help_panel=MORE,
            show_default=False,
            parser=place,
        ),
    ],
    "print_config": PrintConfig,
}


def taking_all(function: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes those options besides its own that it lacks; they change nothing that it does.

    With --print-config it prints that there are no settings: nothing, or with --json an empty object.
    """
    signature = inspect.signature(function, eval_str=True)
    lacking = {name: kind for name, kind in OPTIONS.items() if name not in signature.parameters}

    @wraps(function)
    def command(**given: Any) -> None:
        unused = {name: given.pop(name) for name in lacking}
        if unused.get("config_file"):
            config.read_file(unused["config_file"])
        if unused.get("print_config"):
            print_settings(config.Settings(), as_json=given["as_json"])
            return
        function(**given)

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in lacking.items()
    ]
    own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in signature.parameters.values()]
    command.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in (*own, *added)}
    return command
