"""Pages agree with the code, their links lead somewhere, and their English is plain."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import unlearnable
from tools import house
from unlearnable import api
from unlearnable.cli.app import app

ROOT = Path(__file__).parents[2]

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*.md"),
        *(ROOT / "unlearnable").rglob("*.md"),
    ]
)
HISTORY = ROOT / "CHANGELOG.md"  # speaks of commands as they were called then
COMMANDS = typer.main.get_group(app).commands
LAUNCHED = re.compile(
    r"(?:timeout \d+ |accelerate launch -m |python3? -m )?(?:[\w.-]+/)*unlearnable (?P<words>[a-z].*)"
)
INLINE = re.compile(r"(?<!`)`(?:[\w./ -]+ -m )?unlearnable ([a-z][^`]*)`(?!`)")


def blocks(text: str) -> Iterator[list[str]]:
    """The lines of each code block, fenced or indented, with continued lines joined."""
    block: list[str] = []
    fenced = False
    for line in [*text.splitlines(), ""]:
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            block.append(line.strip())
            continue
        if block:
            yield re.sub(r"\s*\\\n\s*", " ", "\n".join(block)).splitlines()
        block = []


def run_lines(text: str) -> Iterator[list[str]]:
    """The words behind `unlearnable` of every command in a code block; variables set in the block are filled in."""
    for block in blocks(text):
        variables: dict[str, str] = {}
        for part in (part.strip() for line in block for part in line.split("&&")):
            if setting := re.fullmatch(r'([A-Z]+)="([^"]*)"', part):
                variables["$" + setting[1]] = setting[2]
            elif found := LAUNCHED.match(part):
                words = found["words"]
                for name, value in variables.items():
                    words = words.replace(name, value)
                yield shlex.split(words, comments=True)


def fault_of(words: list[str]) -> str | None:
    """What is wrong with a whole command; it is parsed and not run."""
    name, *rest = words
    if name not in COMMANDS:
        return f"there is no command {name}"
    try:
        COMMANDS[name].make_context(name, rest)
    except typer.Exit:  # --help
        return None
    except Exception as error:
        message = error.format_message() if hasattr(error, "format_message") else error
        return f"unlearnable {shlex.join(words)}: {message}"
    return None


def fault_of_mention(words: list[str]) -> str | None:
    """What is wrong with a command that prose names, maybe in part."""
    name, *rest = words
    if name not in COMMANDS:
        return f"there is no command {name}"
    known = {option for each in COMMANDS[name].params for option in (*each.opts, *each.secondary_opts)} | {
        "--help",
        "-h",
    }
    wrong = [word for word in rest if word.startswith("-") and word.partition("=")[0] not in known]
    return f"unlearnable {name} has no {', '.join(wrong)}" if wrong else None


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page != HISTORY], ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_command_shown_exists_with_its_options(page: Path):
    text = page.read_text(encoding="utf-8")
    mentions = [mention.split() for mention in INLINE.findall(text)]
    faults = [*map(fault_of, run_lines(text)), *map(fault_of_mention, mentions)]
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page: Path):
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []


def test_the_readme_is_short_and_tests_the_package():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= 450
    assert "pip install -e '.[test]' && .venv/bin/pytest" in text


def test_the_figures_of_the_readme_are_those_of_the_results():
    check = [sys.executable, str(ROOT / "tools" / "figures.py"), "--check"]
    assert subprocess.run(check, capture_output=True).returncode == 0


def test_every_call_is_listed_with_all_its_arguments():
    page = (ROOT / "docs/reference/python-api.md").read_text(encoding="utf-8")
    listed = {name: re.findall(r"[a-z]+", given) for name, given in re.findall(r"^\| `(\w+)\((.*?)\)`", page, re.M)}
    calls = [name for name in unlearnable.__all__ if inspect.isfunction(getattr(api, name, None))]
    assert {"protect", "verify"} < set(calls)
    for name in (*calls, "ImageProtector"):
        wanted = [argument for argument in inspect.signature(getattr(api, name)).parameters if argument != "settings"]
        assert [argument for argument in listed[name] if argument in wanted] == wanted, name


def test_every_path_that_contributors_are_sent_to_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:unlearnable|tools|tests)/[\w./-]*)`", text)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []
    packages = re.findall(
        r"`(\w+)`",
        " ".join(re.findall(r"^\| (`[`\w, ]+) \|", text.partition("## Architecture")[2].partition("##")[0], re.M)),
    )
    assert [
        name
        for name in packages
        if not any((ROOT / "unlearnable" / name).with_suffix(kind).exists() for kind in ("", ".py"))
    ] == []


def test_decisions_are_called_as_their_list_has_them():
    folder = ROOT / "docs/design/decisions"
    index = (folder / "index.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| \[\d+\]\((.*?)\) \| (.*) \|$", index, re.M))
    heads = {path.name: path.read_text(encoding="utf-8").splitlines()[0] for path in folder.glob("0*.md")}
    assert {name: f"# {name[:4]}: {title}" for name, title in listed.items()} == heads


def test_the_committed_page_is_what_the_code_generates_in_any_environment():
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # without the tests' plugin
    other = {"COLUMNS": "20", "TERM": "dumb", "UNLEARNABLE_EPSILON": "3", "PYTHONPATH": str(ROOT)}
    check = [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, cwd=ROOT, env={**alone, **other})
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY and page.name != "cli.md"], ids=str)
def test_no_page_has_a_phrase_that_nobody_would_say(page: Path):
    if page.is_relative_to(ROOT / "unlearnable"):
        pytest.skip("holds the words of licences")
    assert house.forbidden(page.read_text(encoding="utf-8")) == []
