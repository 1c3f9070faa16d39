"""docs/reference says what the code says, and the generator reads Typer and pydantic rightly."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import BaseModel, Field

from tests.docs.conftest import ROOT
from unlearnable.workflows.protect.preparing.reading import NO_PHOTO, UNPUBLISHED


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


class Settings(BaseModel):
    """What is asked for."""

    wall: Path
    colour: Literal["red", "blue"] = "red"
    coats: Annotated[tuple[int, ...], Field(min_length=1, description="of each coat")] = (1, 2)
    thinner: Annotated[float, Field(gt=0, le=1)] | None = None


def test_the_committed_pages_are_what_the_code_generates():
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # without the tests' plugin
    check = [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, cwd=ROOT, env={**alone, "PYTHONPATH": str(ROOT)})
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_pages_do_not_depend_on_the_terminal_or_the_environment(tool, monkeypatch):
    before = tool("reference").pages()
    for name, value in {"COLUMNS": "20", "TERM": "dumb", "UNLEARNABLE_EPSILON": "3", "SHELL": "/bin/fish"}.items():
        monkeypatch.setenv(name, value)
    assert tool("reference").pages() == before


def test_every_option_of_a_command_is_listed(tool):
    page = tool("reference_pages.commands").page(cli())
    assert "## paint\n\n`tool paint WALL [OPTIONS]`\n\nPaint a wall.\n\nIt takes a while." in page
    assert "| `WALL` | required | The wall. |" in page
    assert "| `--colour` | `red`, `blue` | red | Its \\<new> colour. |" in page
    assert "| `--dry`, `--wet` |  | `True` | See \\[1\\]. |" in page
    assert "**Work**\n\n| Option | Value | Meaning |\n| --- | --- | --- |\n| `--coats` | INTEGER ... | Coats. |" in page
    assert "secret" not in page
    assert "hide" not in page


def test_a_setting_has_its_option_variable_type_default_and_meaning(tool):
    commands = tool("reference_pages.commands").commands(cli())
    rows = tool("reference_pages.settings").rows(Settings, commands["paint"])
    assert rows == [
        ["`wall`<br>`WALL`<br>`UNLEARNABLE_WALL`", "path", "required", "The wall."],
        ["`colour`<br>`--colour`<br>`UNLEARNABLE_COLOUR`", '`"red"`, `"blue"`', '`"red"`', "Its \\<new> colour."],
        ["`coats`<br>`--coats`<br>`UNLEARNABLE_COATS`", "list of integer, at least 1", "`[1, 2]`", "of each coat"],
        ["`thinner`<br>`UNLEARNABLE_THINNER`", "number, > 0, ≤ 1", "", ""],
    ]  # fmt: skip


def test_stale_and_missing_files_are_found_and_mended(tool, tmp_path):
    reference = tool("reference")
    wanted = {"cli.md": "new\n", "settings.md": "new\n"}
    (tmp_path / "cli.md").write_text("old\n")
    (tmp_path / "by-hand.md").write_text("kept\n")
    assert reference.stale(tmp_path, wanted) == ["cli.md", "settings.md"]
    reference.write(tmp_path, wanted)
    assert reference.stale(tmp_path, wanted) == []
    assert (tmp_path / "by-hand.md").read_text() == "kept\n"


def test_every_reason_for_leaving_something_out_is_explained():
    table = set(re.findall(r"`([a-z-]+)`", (ROOT / "docs/guide/troubleshooting.md").read_text()))
    place = {"Skipped": 1, "DecodeError": 0, "Miss": 0}
    said = {*NO_PHOTO, *UNPUBLISHED}
    for path in (ROOT / "unlearnable").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in place:
                reason = call.args[place[call.func.id]] if len(call.args) > place[call.func.id] else None
                said |= {str(reason.value)} if isinstance(reason, ast.Constant) else set()
    assert {"too-small", "bad-row", "missing-photo"} < said
    assert said <= table
