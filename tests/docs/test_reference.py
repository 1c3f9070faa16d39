"""docs/reference/cli.md says what the code says, and the generator reads Typer rightly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tests.docs.conftest import ROOT


def cli() -> typer.Typer:
    app = typer.Typer(name="tool")

    @app.command("paint")
    def paint(
        wall: Annotated[Path, typer.Argument(help="The wall.")],
        colour: Annotated[Literal["red", "blue"] | None, typer.Option(help="Its <new> colour. (default: red)")] = None,
        coats: Annotated[list[int] | None, typer.Option(help="Coats.", rich_help_panel="Work")] = None,
        dry: Annotated[bool, typer.Option("--dry/--wet", help="See \\[1].")] = True,
        secret: Annotated[bool, typer.Option("--secret", hidden=True)] = False,
    ) -> None:
        """Paint a wall.

        It takes
        a while.
        """

    @app.command("hide", hidden=True)
    def hide() -> None:
        pass

    return app


def test_the_committed_page_is_what_the_code_generates_in_any_environment():
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # without the tests' plugin
    other = {"COLUMNS": "20", "TERM": "dumb", "UNLEARNABLE_EPSILON": "3", "PYTHONPATH": str(ROOT)}
    check = [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, cwd=ROOT, env={**alone, **other})
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_option_of_a_command_is_listed(reference):
    page = reference.page(cli())
    assert "## paint\n\n`tool paint WALL [OPTIONS]`\n\nPaint a wall.\n\nIt takes a while." in page
    assert "| `WALL` | required | The wall. |" in page
    assert "| `--colour` | `red`, `blue` | red | Its \\<new> colour. |" in page
    assert "| `--dry`, `--wet` |  | `True` | See \\[1\\]. |" in page
    assert "**Work**\n\n| Option | Value | Meaning |\n| --- | --- | --- |\n| `--coats` | INTEGER ... | Coats. |" in page
    assert "secret" not in page
    assert "hide" not in page
