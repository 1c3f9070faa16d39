"""Options of the commands: one for each setting, with its help text, and those that several commands share."""

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, TypeVar

import typer
from rich.markup import escape

from unlearnable.settings import Device as DeviceName, ProtectSettings, Settings, default_text, takes
from unlearnable.storage.folders import at_home
from unlearnable.wording import pasted

HOW, OUTPUT, MORE = "How", "Output", "More"  # panels of --help that several commands have
SWITCHES = {
    "resume": "Continue a stopped run.",
    "overwrite": "Replace an earlier result.",
    "add": "Protect only photos that an earlier result lacks.",
    "dry_run": "Say what a run would do; write nothing.",
    "list": "List the cells, and stop.",
}
_OPTIONS = {name: f"--{name.replace('_', '-')}" for name in (*SWITCHES, "port")}  # of parameters, as users know them
Command = TypeVar("Command", bound=Callable[..., None])


def option_of(name: str, value: str | None) -> str | None:
    """Return the option of a parameter, with a value as a shell takes it; None of what is no parameter."""
    option = _OPTIONS.get(name)
    if option is None or value in (None, "True"):
        return option
    try:
        return f"{option} {pasted(ast.literal_eval(value or ''))}"
    except (SyntaxError, ValueError):
        return None


def place(text: str) -> Path:
    """Return a path that is no setting; an empty one, as of a variable that is not set, would be the current folder."""
    if not text:
        raise typer.BadParameter("an empty path")
    return at_home(Path(text))


def with_settings(
    kind: type[Settings],
    arguments: str,
    panels: Mapping[str, str],
    flags: Mapping[str, Sequence[str]] | None = None,
    choices: Mapping[str, Iterable[str]] | None = None,
) -> Callable[[Command], Command]:
    """Return what gives a command the arguments and options of its settings, and --config, --json and --quiet.

    Args:
        kind: the settings of the command.
        arguments: names of settings that are arguments, with blanks between them.
        panels: names of settings and of `SWITCHES` in each panel of --help.
        flags: the flags of settings that are not named as they are.
        choices: the names that a setting may have, where its type does not say them.
    """

    def give(command: Command) -> Command:
        typed: dict[str, Any] = {"context": typer.Context}
        for name in arguments.split():
            typed[name] = Annotated[
                _type(kind, name), typer.Argument(metavar=name.upper(), help=_help(kind, name), show_default=False)
            ]
            _OPTIONS[name] = name.upper()
        for panel, names in panels.items():
            for name in names.split():
                if name in SWITCHES:
                    switch = typer.Option(_OPTIONS[name], metavar="", help=SWITCHES[name], rich_help_panel=panel)
                    typed[name] = Annotated[bool, switch]
                else:
                    own = (flags or {}).get(name, [f"--{name.replace('_', '-')}"])
                    option = _option(kind, name, panel, own, (choices or {}).get(name, ()))
                    typed[name] = Annotated[_type(kind, name), option]
        typed |= {"config_file": ConfigFile, "as_json": Json, "quiet": Quiet}
        off = {"context": Parameter.empty, **dict.fromkeys([*SWITCHES, "as_json", "quiet"], False)}
        command.__annotations__ = typed
        command.__signature__ = Signature(  # type: ignore[attr-defined]  # which Typer reads
            [
                Parameter(name, Parameter.KEYWORD_ONLY, default=off.get(name), annotation=annotation)
                for name, annotation in typed.items()
            ]
        )
        return command

    return give


def _type(kind: type[Settings], name: str) -> Any:
    """Return the type of a flag: text, which the settings convert, but for switches and names of a few."""
    if takes(kind, name, tuple):
        return list[str] | None
    return Optional[kind.model_fields[name].annotation if takes(kind, name, bool, Literal) else str]  # noqa: UP045


def _option(kind: type[Settings], name: str, panel: str, flags: Sequence[str], choices: Iterable[str]) -> Any:
    _OPTIONS[name] = flags[0].partition("/")[0]
    details = [f"One of: {', '.join(choices)}."] if choices else []
    details += ["Repeatable."] if takes(kind, name, tuple) else []
    text, metavar = _help(kind, name, *details, switch=flags[0]), _metavar(kind, name)
    return typer.Option(*flags, help=text, metavar=metavar, rich_help_panel=panel, show_default=False)


def _help(kind: type[Settings], name: str, *details: str, switch: str = "") -> str:
    """Return the description of a setting, details and its default, in Rich markup."""
    field, sides = kind.model_fields[name], switch.split("/")
    default = default_text(kind, name)
    if len(sides) == 2 and field.default is not None:
        default = sides[not field.default]
    end = f"(default: {default})" if default else "(required)" if field.is_required() else ""
    return escape(" ".join(filter(None, [field.description, *details, end])))


def _metavar(kind: type[Settings], name: str) -> str | None:
    """Return what stands for the value of an option: its choices alone where the text does not say them."""
    field, several = kind.model_fields[name], takes(kind, name, tuple)
    choices = re.findall(r"'([\w-]+)'", str(field.annotation)) if takes(kind, name, Literal) else []
    if takes(kind, name, bool):
        return ""
    if any(choice not in (field.description or "") for choice in choices):
        return None
    if takes(kind, name, int, float):
        leaf = "INTEGER" if takes(kind, name, int) and not several else "NUMBER"
    else:
        leaf = "PATH" if takes(kind, name, Path) else "NAME"
    return f"{leaf},..." if several else leaf


Device = Annotated[DeviceName | None, _option(ProtectSettings, "device", MORE, ["--device"], ())]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="PATH",
        help="TOML file of settings, such as an earlier run.toml.",
        rich_help_panel=MORE,
        parser=place,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", metavar="", help="Print one JSON object on stdout.", rich_help_panel=MORE)
]
Quiet = Annotated[bool, typer.Option("--quiet", metavar="", help="Print nothing but errors.", rich_help_panel=MORE)]
