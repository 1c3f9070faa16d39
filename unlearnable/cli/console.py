"""What the user sees: results on stdout, errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def report_error(message: str, hint: str | None, code: int, *, as_json: bool) -> None:
    """Print one line for the error and one for the remedy on stderr; with `as_json` also an object on stdout."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"[bold red]error:[/] {escape(message)}")
    if hint:
        console.print(f"[bold]hint:[/] {escape(hint)}")
    if as_json:
        print_json({"schema_version": 1, "error": message, "hint": hint, "exit_code": code})


def print_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Print names and what is said of them: folded on a terminal, a whole line each in a pipe; nothing is cut."""
    console = Console(highlight=False)
    if not console.is_terminal:
        width = max((len(name) for name, _ in rows), default=0)
        for name, text in rows:
            console.print(f"{name:<{width}}  {text}".rstrip(), markup=False, soft_wrap=True)
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold", min_width=12)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(escape(name), escape(text))
    console.print(table)


def print_json(result: BaseModel | Mapping[str, Any]) -> None:
    """Print one JSON object on stdout and nothing else there."""
    text = result.model_dump_json() if isinstance(result, BaseModel) else json.dumps(result)
    sys.stdout.write(text + "\n")
