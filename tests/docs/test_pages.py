"""What README and docs say can be done: commands exist with their options, and links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tests.docs.conftest import ROOT
from unlearnable.cli.app import app

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


def test_commands_are_found_where_they_stand():
    text = """
Run `unlearnable verify --seeds 0`, or:

    DATA="--data A --data B"
    unlearnable train $DATA --epochs 5   # a remark
    python -m venv x && x/bin/unlearnable protect P \\
        --seed 1

```
timeout 600 unlearnable verify A B
from unlearnable import protect
```
"""
    assert list(run_lines(text)) == [
        ["train", "--data", "A", "--data", "B", "--epochs", "5"],
        ["protect", "P", "--seed", "1"],
        ["verify", "A", "B"],
    ]
    assert INLINE.findall(text) == ["verify --seeds 0"]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("protect P --epsilon 4 --preset strong", None),
        ("verify --help", None),
        ("protekt P", "there is no command"),
        ("protect P --strength 9", "--strength"),
        ("protect P --format gif", "gif"),
        ("preview a.png", "protected"),
    ],
)
def test_a_wrong_command_is_told_from_a_right_one(command: str, fault: str | None):
    found = fault_of(command.split())
    assert (found is None) if fault is None else (fault in (found or ""))


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
