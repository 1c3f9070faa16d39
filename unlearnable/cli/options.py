"""Options of the commands: their help texts come from the settings, and what several commands share stands here."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.markup import escape

from unlearnable.settings import (
    PRESETS,
    ProtectSettings,
    default_text,
    takes_numbers,
    takes_paths,
    takes_several,
    takes_whole_numbers,
)
from unlearnable.settings import Device as DeviceName
from unlearnable.storage.folders import at_home
from unlearnable.wording import pasted

HOW, OUTPUT, MORE = "How", "Output", "More"  # panels of --help that several commands have
_OPTIONS = {name: f"--{name}" for name in ("resume", "overwrite", "add", "port")}  # of parameters, as users know them


def option_of(name: str, value: str | None) -> str | None:
    """Return the option of a parameter, with a value as a shell takes it; None of what is no parameter."""
    option = _OPTIONS.get(name)
    if option is None or value in (None, "True"):
        return option
    try:
        return f"{option} {pasted(ast.literal_eval(value or ''))}"
    except (SyntaxError, ValueError):
        return None


def argument(kind: type[BaseModel], name: str) -> Any:
    """Return the Typer argument for a setting that is a path."""
    described = kind.model_fields[name].description or ""
    required = kind.model_fields[name].is_required()
    help_text = _text(described, default_text(kind, name), "(required)" if required else "")
    _OPTIONS[name] = name.upper()
    return typer.Argument(help=help_text, show_default=False, parser=place)


def place(text: str) -> Path:
    """Return a path that was given; an empty one, as of a variable that is not set, would be the current folder."""
    if not text:
        raise typer.BadParameter("an empty path")
    return at_home(Path(text))


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Return what reads an option that is no setting, a whole number between two."""

    def read(given: str | int) -> int:  # the default is one
        text = str(given)
        if not (text.isdecimal() and len(text) < 20 and lowest <= int(text) <= highest):
            raise typer.BadParameter(f"needs a whole number from {lowest} to {highest}")
        return int(text)

    return read


def of(kind: type[BaseModel]) -> Callable[..., Any]:
    """Return what makes the Typer options of a command: called with a setting, a panel of --help, and perhaps flags.

    Args:
        kind: the settings of the command.
    """

    def option(name: str, panel: str, *flags: str, choices: Iterable[str] = ()) -> Any:
        sentences = _sentences(kind, name, choices)
        required = kind.model_fields[name].is_required()  # Typer's own is of no use: it may be in a file of settings
        text = _text(sentences, _default(kind, name, flags), "(required)" if required else "")
        several, numeric = takes_several(kind, name), takes_numbers(kind, name)
        metavar = _metavar(kind, name)
        _OPTIONS[name] = flags[0].partition("/")[0] if flags else f"--{name.replace('_', '-')}"
        parser = place if takes_paths(kind, name) else str if numeric and not several else None
        return typer.Option(
            *flags, help=text, metavar=metavar, rich_help_panel=panel, show_default=False, parser=parser
        )

    return option


def _sentences(kind: type[BaseModel], name: str, choices: Iterable[str] = ()) -> str:
    """What a setting is, its choices where its type does not say them, and how it is given several times."""
    parts = [kind.model_fields[name].description or ""]
    if listed := ", ".join(choices):
        parts.append(f"One of: {listed}.")
    if takes_several(kind, name):
        parts.append("Repeatable.")
    return " ".join(parts)


def _default(kind: type[BaseModel], name: str, flags: Sequence[str]) -> str:
    """The default: of a switch "--on/--off" one of the two if it has one, of others the value, and that by presets."""
    usually = kind.model_fields[name].default
    if flags and "/" in flags[0] and usually is not None:
        return flags[0].split("/")[not usually]
    default = default_text(kind, name)
    if not default or "preset" not in kind.model_fields:
        return default
    return str(PRESETS[kind.model_fields["preset"].default].get(name, default))


def _text(sentences: str, default: str, otherwise: str = "") -> str:
    """A help text in Rich markup."""
    return escape(f"{sentences} (default: {default})" if default else f"{sentences} {otherwise}".strip())


def _metavar(kind: type[BaseModel], name: str) -> str | None:
    """Return what stands for the value of an option: its choices alone where the text does not say them."""
    several, annotation = takes_several(kind, name), str(kind.model_fields[name].annotation)
    if "bool" in annotation:
        return None
    if takes_numbers(kind, name):
        leaf = "INTEGER" if takes_whole_numbers(kind, name) and not several else "NUMBER"
    else:
        leaf = "PATH" if takes_paths(kind, name) else "NAME"
    choices = re.findall(r"'([\w-]+)'", annotation) if "Literal" in annotation else []
    if any(choice not in (kind.model_fields[name].description or "") for choice in choices):
        return None
    return f"{leaf},..." if several else leaf


def asked(context: typer.Context, parameter: typer.CallbackParam, given: bool) -> bool:
    """Note --json and --debug where `main` finds them, before anything else is looked at."""
    if given:
        context.ensure_object(set).add(parameter.name)
    return given


Device = Annotated[DeviceName | None, of(ProtectSettings)("device", MORE)]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="TOML file of settings, such as an earlier run.toml.",
        rich_help_panel=MORE,
        parser=place,
    ),
]
PrintConfig = Annotated[
    bool, typer.Option("--print-config", help="Print the settings as TOML and stop.", rich_help_panel=MORE)
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="Print one JSON object on stdout.", rich_help_panel=MORE, is_eager=True, callback=asked
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.", rich_help_panel=MORE)]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", help="Show the traceback of a failure.", rich_help_panel=MORE, is_eager=True, callback=asked
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue a stopped run.", rich_help_panel=OUTPUT)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.", rich_help_panel=OUTPUT)]
