"""What all long commands do: flags to settings, progress while they run, then JSON or a table."""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import typer
from pydantic import BaseModel

from unlearnable.cli.console import print_json, say
from unlearnable.cli.shown import shown
from unlearnable.errors import Interrupted
from unlearnable.settings import Settings, resolve_as, split, takes_several, to_toml, unknown_variables
from unlearnable.storage.pool import is_first
from unlearnable.storage.progress import Progress

STARTING = "starting"
Kind = TypeVar("Kind", bound=Settings)
Result = TypeVar("Result", bound=BaseModel | None)


def run_command(
    context: typer.Context,
    kind: type[Kind],
    work: Callable[[Kind, Progress], Result],
    show: Callable[[Any], None],
    *,
    hint: str,
    found: Mapping[str, Any] | None = None,
    check: Callable[[Kind], object] | None = None,
    resolve: Callable[..., Kind] | None = None,
) -> Result | None:
    """Run a command with the options that its context holds.

    Args:
        context: of the command; its parameters that are named as settings are the flags.
        kind: the settings of the command.
        work: does it; imports torch inside, so that --help and --print-config answer at once.
        show: prints what `work` returns, for people.
        hint: what to do after Ctrl-C.
        found: settings that the command found out itself; they go before the flags.
        check: raises what can be known to be wrong at once; after it the command, of several processes the first, says
            that it starts, before anything heavy is imported.
        resolve: makes the settings of flags, a file and names, where `resolve_as` does not.

    Returns:
        The result; None where there is none to show: with --print-config, or in all processes but the first.

    Raises:
        Interrupted: the user pressed Ctrl-C.
        ConfigError: a setting is wrong.
    """
    given = context.params
    flags = {**_flags(context, kind), **(found or {})}
    settings = (resolve or partial(resolve_as, kind))(flags, given["config_file"])
    if given["quiet"]:
        warnings.simplefilter("ignore")
    elif is_first():
        for name, proposal in unknown_variables().items():
            say(f"warning: unknown environment variable {name}: {proposal}")
    if given["print_config"]:
        print_settings(settings, as_json=given["as_json"])
        return None
    try:
        with shown(quiet=given["quiet"]) as progress:
            if check is not None:
                check(settings)
                if is_first():  # the others speak of what is theirs alone
                    progress.phase(STARTING, 0)
            result = work(settings, progress)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=hint) from None
    if result is not None and given["as_json"]:
        print_json(result)
    elif result is not None and not given["quiet"]:
        show(result)
    return result


def print_settings(settings: Settings, *, as_json: bool) -> None:
    """Print settings as TOML, or in a JSON object."""
    if as_json:
        print_json({"schema_version": 1, "settings": tomllib.loads(to_toml(settings))})
    else:
        typer.echo(to_toml(settings), nl=False)


def _flags(context: typer.Context, kind: type[Settings]) -> dict[str, Any]:
    """The settings that options and arguments gave; those that were not given are None."""
    flags = {}
    for name, value in context.params.items():
        if name not in kind.model_fields:
            continue
        if takes_several(kind, name):
            value = split(kind, name, [str(one) for one in value], f"`{name}`") if value else None
        flags[name] = value
    return flags
