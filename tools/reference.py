"""Write docs/reference/cli.md from the code: every command with its arguments and options.

    python tools/reference.py            write the page
    python tools/reference.py --check    exit with 1 if the committed page differs

The page depends only on the code, not on the terminal, the environment or the time.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.errors import MarkupError
from rich.markup import render

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
GENERATED = "<!-- Written by tools/reference.py from the code. Edit the code, then run that script. -->"
INTRODUCTION = """
Every command answers `-h` and `--help`. Options that are also settings can be given in the environment
(`UNLEARNABLE_EPSILON=4` for `--epsilon 4`) or in a TOML file (`epsilon = 4`, with `--config`); an option wins over the
environment, and that over the file. `UNLEARNABLE_DEBUG=1` shows the traceback of a failure. [Exit codes](exit-codes.md)
are the same for every command; `unlearnable list schemas` prints what `--json` returns.
`unlearnable --install-completion` sets up completion for the shell.
"""
TYPERS_OWN = frozenset({"install_completion", "show_completion"})  # their texts depend on the shell
_CODE = re.compile(r"(`[^`]*`)")
_DEFAULT = re.compile(r"\s*\((?:default: (?P<value>.*)|(?P<required>required))\)\s*$", re.DOTALL)
_VALUES = {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "PATH"}


def page(app: typer.Typer) -> str:
    """Return the text of the page."""
    root = typer.main.get_command(app)
    sections = [f"`{root.name} [OPTIONS] COMMAND`\n\n{prose(plain(root.help))}", *_options(root)]
    for path, command in commands(app).items():
        sections += [f"## {path}", f"`{_usage(root.name, path, command)}`", prose(plain(command.help))]
        sections += [*_arguments(command), *_options(command)]
    return "\n\n".join([GENERATED, "# Command line", INTRODUCTION.strip(), *sections]) + "\n"


def commands(app: typer.Typer) -> dict[str, Any]:
    """Return every command that is not hidden by its name, such as "protect" or "group command"."""
    return dict(_walk(typer.main.get_command(app), ""))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; columns in which every cell is empty are left out."""
    columns = [number for number in range(len(heads)) if any(row[number] for row in rows)]
    lines = [[heads[n] for n in columns], ["---"] * len(columns), *([row[n] for n in columns] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def prose(text: str | None) -> str:
    """Return a docstring or help text as paragraphs, with line breaks joined and markup escaped."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(escape(" ".join(paragraph.split())) for paragraph in paragraphs).strip()


def escape(text: str) -> str:
    """Escape `<`, `*`, `_` and brackets in a text, except between backticks."""
    parts = _CODE.split(text)
    return "".join(part if part.startswith("`") else re.sub(r"([<*_\[\]])", r"\\\1", part) for part in parts)


def plain(text: str | None) -> str:
    """Return a help text without Rich's markup."""
    try:
        return render(text or "").plain
    except MarkupError:
        return text or ""


def _code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


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
    rows = [[_code(_name(p)), _default(p), escape(_description(p))] for p in _of_kind(command, "argument")]
    return [table(["Argument", "Default", "Meaning"], rows)] if rows else []


def _options(command: Any) -> list[str]:
    """Return one table per panel, the unnamed panel first."""
    types_of = typing.get_type_hints(command.callback) if command.callback else {}
    panels: dict[str, list[list[str]]] = {}
    for option in _of_kind(command, "option"):
        names = ", ".join(_code(name) for name in (*option.opts, *option.secondary_opts))
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
        return ", ".join(_code(choice) for choice in inner)
    if origin in (typing.Union, types.UnionType, list, tuple, typing.Annotated):
        first = next(member for member in inner if member is not type(None))
        return _value(first)
    return _VALUES.get(kind) or (
        ", ".join(_code(member.value) for member in kind) if hasattr(kind, "__members__") else "TEXT"
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
    return _code(", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, exit with 1 if the page is stale")
    check = parser.parse_args().check
    from unlearnable.cli.app import app

    text = page(app)
    if check and (not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text):
        sys.exit("docs/reference/cli.md is stale; run: python tools/reference.py")
    if not check:
        PAGE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
