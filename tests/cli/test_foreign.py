"""Names and captions reach the terminal as text in one line, whatever letters they hold."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import unlearnable
from tests.cli.program import POSIX, call
from tests.conftest import picture
from unlearnable.cli import console, shown
from unlearnable.wording import ascii_json, json_line, printable, storable

FORGED = "99 of 99 photos have a protected copy."
HOSTILE = f"\x1b[2J\u202egnp.x\r\n{FORGED}\x9b31m \u2028[bold]:smile:"
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def raw(text):
    """The letters that must not reach a terminal, but for the ends of lines."""
    return {letter for letter in text if letter != "\n" and unicodedata.category(letter) in UNSEEN}


@given(st.text(st.characters() | st.sampled_from(HOSTILE)))
def test_printable_text_has_one_line_and_nothing_unseen(text):
    shown_text = printable(text)
    assert raw(shown_text) <= set("\u200c\u200d")
    assert len(shown_text.splitlines()) <= 1
    assert printable(shown_text) == shown_text
    storable(text).encode()
    assert json.loads(ascii_json(json.dumps(text, ensure_ascii=False))) == text


@given(st.text(st.characters() | st.sampled_from("\x0b\x0c\x1c\x85\u2028\u2029\\")))
def test_json_is_a_single_line_wherever_lines_are_said_to_end(text):
    line = json_line(json.dumps(text, ensure_ascii=False))
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert json.loads(line) == text
    assert json_line(json.dumps("né 🐕", ensure_ascii=False)) == '"né 🐕"\n'


def test_what_people_write_is_not_escaped():
    text = "Zoë’s 日本 \u05e9\u05dc\u05d5\u05dd 👩\u200d👧 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\xa0!"
    assert printable(text) == text


@POSIX
def test_a_name_can_forge_no_line_and_move_no_cursor(posts, quick):
    Image.fromarray(picture(9)).save(posts / "p9.png")
    (posts / f"{HOSTILE}.png").write_bytes(b"no photo")
    (posts / "posts.jsonl").rename(posts / f"{HOSTILE}2.jsonl")
    for arguments in ((), ("--dry-run",), ("--overwrite",)):
        result = call("protect", posts, *arguments, *quick)
        assert result.returncode == 0, result.stderr
        assert r"captions from \x1b[2J\u202egnp.x\r\n99" in result.stderr
        assert r"\u2028[bold]:smile:" in " ".join(result.stdout.split())
        for text in (result.stdout, result.stderr):
            assert raw(text) == set()
            assert FORGED not in text.splitlines()
    report = call("protect", posts, "--overwrite", "--json", *quick).stdout
    assert raw(report) == set()
    assert report.isascii()
    assert json.loads(report)["skipped"][0]["where"] == f"{HOSTILE}.png"


@pytest.mark.parametrize("arguments", [("protect", HOSTILE), ("protect", ".", "--method", HOSTILE), (HOSTILE,)])
@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_no_error_prints_what_it_quotes_as_it_is(arguments, debug):
    result = call(*arguments, *debug)
    assert result.returncode in (2, 3)
    assert raw(result.stdout + result.stderr) == set()
    assert FORGED not in result.stderr.splitlines()
    assert len(result.stderr.splitlines()) <= 2 or debug


def test_a_terminal_gets_no_more_than_a_pipe(monkeypatch):
    out = io.StringIO()
    errors = console._Console(file=out, force_terminal=True, width=200, markup=False, emoji=False, highlight=False)
    monkeypatch.setattr(shown, "console", lambda **_: errors)
    with shown.shown(quiet=False) as progress:
        progress.phase(HOSTILE, 2)
        progress.note(HOSTILE)
        progress.advance(2)
    drawn = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", out.getvalue().replace("\r", ""))
    assert raw(drawn) == set()
    assert drawn.count(r"\x1b[2J\u202egnp.x\r\n99") >= 2
    assert "[bold]:smile:" in drawn


def test_all_that_is_printed_passes_one_place():
    printing = re.compile(
        r"(?<![\w.)])print\((?!.*file=)|sys\.std(out|err)|\bConsole\(|typer\.(secho|echo)|warnings\.showwarning"
    )
    package = Path(unlearnable.__file__).parent
    for path in sorted({*package.rglob("*.py")} - {package / "cli" / "console.py", package / "cli" / "app.py"}):
        found = [line.strip() for line in path.read_text().splitlines() if printing.search(line)]
        assert {one for one in found if not one.startswith("print(verify(")} <= {
            "typer.echo(config.to_toml(settings), nl=False)",  # TOML escapes by itself
            """typer.echo(f"unlearnable {version('unlearnable')}")""",
        }, path


def test_a_library_that_finds_another_too_new_says_nothing(capsys):
    """As older versions of `requests` do of chardet, which nicegui imports where they are installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with console.warnings_as_lines():
            for text in ("urllib3 (2.8) or chardet (7.7.0) doesn't match a supported version!", "a part failed"):
                warnings.warn(text, stacklevel=1)
    assert capsys.readouterr().err == "warning: a part failed\n"


def test_a_terminal_of_few_letters_gets_the_others_escaped(tmp_path):
    exif = Image.Exif()
    exif[0x9C9D] = f"日本 {HOSTILE}".encode("utf-16-le")  # XPAuthor
    Image.fromarray(picture(0)).save(tmp_path / "a.jpg", exif=exif)
    line = [sys.executable, "-m", "unlearnable", "doctor", str(tmp_path / "a.jpg")]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(line, capture_output=True, text=True, check=False, env=ascii_only)
    assert (result.returncode, result.stderr) == (0, "")
    assert r"\u65e5\u672c" in result.stdout
    assert raw(result.stdout) == set()
