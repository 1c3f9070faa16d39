"""Generate docs/reference/cli.md: every command of a Typer app with its arguments and options."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from reference_pages.markdown import code, document, escape, plain, prose, table

INTRODUCTION = """
Every command answers `-h` and `--help`. Options that are also settings can be given in the environment or in a TOML
file: [Settings](settings.md) has their names there. Exit codes are listed under [Exit codes](exit-codes.md), what
`--json` prints: `unlearnable list schemas`. `unlearnable --install-completion` sets up completion for the shell.
"""
TYPERS_OWN = frozenset({"install_completion", "show_completion"})  # their texts depend on the shell
_DEFAULT = re.compile(r"\s*\((?:default: (?P<value>.*)|(?P<required>required))\)\s*$", re.DOTALL)
_VALUES = {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "PATH"}


def page(app: typer.Typer) -> str:
    """Return the text of the page."""
    root = typer.main.get_command(app)
    sections = [f"`{root.name} [OPTIONS] COMMAND`\n\n{prose(plain(root.help))}", *_options(root)]
    for path, command in commands(app).items():
        sections += [f"## {path}", f"`{_usage(root.name, path, command)}`", prose(plain(command.help))]
        sections += [*_arguments(command), *_options(command)]
    return document("Command line", INTRODUCTION, sections)


def commands(app: typer.Typer) -> dict[str, Any]:
    """Return every command that is not hidden by its name, such as "protect" or "group command"."""
    return dict(_walk(typer.main.get_command(app), ""))


def help_of(command: Any, name: str) -> tuple[str, str]:
    """Return the help text of the parameter `name` without its default, and that default; empty if there is none."""
    for parameter in command.params:
        if parameter.name == name:
            return _description(parameter), _default(parameter)
    return "", ""


def flag_of(command: Any, name: str) -> str:
    """Return the option, or the argument in capitals, that sets the parameter `name`; empty if there is none."""
    for parameter in command.params:
        if parameter.name == name:
            return _name(parameter) if parameter.param_type_name == "argument" else parameter.opts[0]
    return ""


def _walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, child in getattr(command, "commands", {}).items():
        if getattr(child, "commands", None) is not None:
            yield from _walk(child, f"{path}{name} ")
        elif not child.hidden:
            yield f"{path}{name}", child


def _usage(program: str, path: str, command: Any) -> str:
    arguments = [_name(p) if p.required else f"[{_name(p)}]" for p in _of_kind(command, "argument")]
    return " ".join([program, path, *arguments, "[OPTIONS]"])


def _arguments(command: Any) -> list[str]:
    rows = [[code(_name(p)), _default(p), escape(_description(p))] for p in _of_kind(command, "argument")]
    return [table(["Argument", "Default", "Meaning"], rows)] if rows else []


def _options(command: Any) -> list[str]:
    """Return one table per panel, the unnamed panel first."""
    types_of = typing.get_type_hints(command.callback) if command.callback else {}
    panels: dict[str, list[list[str]]] = {}
    for option in _of_kind(command, "option"):
        names = ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))
        value = "" if option.is_flag else option.metavar or _value(types_of.get(option.name, str))
        row = [
            names,
            value + (" ..." if option.multiple and not option.metavar else ""),
            _default(option),
            escape(_description(option)),
        ]
        panels.setdefault(option.rich_help_panel or "", []).append(row)
    sections = []
    for panel in sorted(panels, key=lambda name: name != ""):
        sections += [f"**{panel}**"] if panel else []
        sections.append(table(["Option", "Value", "Default", "Meaning"], panels[panel]))
    return sections


def _of_kind(command: Any, kind: str) -> list[Any]:
    return [p for p in command.params if p.param_type_name == kind and not p.hidden and p.name not in TYPERS_OWN]


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper()) + ("..." if argument.nargs == -1 else "")


def _value(kind: Any) -> str:
    """Return the kind of value that an option takes, from the type of its parameter."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return ", ".join(code(choice) for choice in inner)
    if origin in (typing.Union, types.UnionType, list, tuple, typing.Annotated):
        first = next(member for member in inner if member is not type(None))
        return _value(first)
    return _VALUES.get(kind) or (
        ", ".join(code(member.value) for member in kind) if hasattr(kind, "__members__") else "TEXT"
    )


def _description(parameter: Any) -> str:
    return " ".join(_DEFAULT.sub("", plain(parameter.help)).split())


def _default(parameter: Any) -> str:
    """Return the default: as the help text states it, as Typer would show it, or the value itself."""
    if match := _DEFAULT.search(plain(parameter.help)):
        return match["required"] or escape(match["value"])
    shown = getattr(parameter, "show_default", None)
    if isinstance(shown, str):
        return escape(shown)
    value = parameter.default
    if parameter.required:
        return "required"
    if value is None or value is False or value == () or callable(value):
        return ""
    return code(", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value)
