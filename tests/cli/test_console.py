"""What reaches the terminal: foreign text in one line, progress while it lasts; and what an interruption does."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import unicodedata
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from PIL import Image
from rich.console import Console

import unlearnable
from tests.cli.program import POSIX, call
from tests.conftest import picture
from unlearnable.cli import console
from unlearnable.methods.optimise import LEARNING
from unlearnable.storage import progress as lines
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
    for arguments in ((), ("--dry-run",)):
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
@pytest.mark.parametrize("debug", [{}, {"UNLEARNABLE_DEBUG": "1"}])
def test_no_error_prints_what_it_quotes_as_it_is(arguments, debug):
    result = call(*arguments, env=debug)
    assert result.returncode in (2, 3)
    assert raw(result.stdout + result.stderr) == set()
    assert FORGED not in result.stderr.splitlines()
    assert len(result.stderr.splitlines()) <= 2 or debug


def test_a_terminal_gets_no_more_than_a_pipe(monkeypatch):
    out = io.StringIO()
    errors = console._Console(file=out, force_terminal=True, width=200, markup=False, emoji=False, highlight=False)
    monkeypatch.setattr(console, "console", lambda **_: errors)
    with console.progress_shown(quiet=False) as progress:
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
        assert [one for one in found if not one.startswith("print(verify(")] == [], path


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


FIRST_WORD = """
import sys, time
from unlearnable.storage import progress as lines
from unlearnable.cli.app import main
def said(self, text):
    print(text, round(time.process_time(), 2), "torch" in sys.modules)
    raise SystemExit
lines.Lines._say = said
main()
"""


def test_the_first_word_is_said_within_a_second_before_anything_heavy_is_imported(posts):
    command_line = [sys.executable, "-c", FIRST_WORD, "protect", str(posts)]
    result = subprocess.run(command_line, capture_output=True, text=True, check=True)
    words, seconds, torch = result.stdout.split()  # seconds of this process, however busy the machine is
    assert (words, torch) == ("starting", "False")
    assert float(seconds) < 1


def test_a_pipe_has_lines(monkeypatch, capsys):
    monkeypatch.setattr(lines, "LINE_SECONDS", 0.0)
    with console.progress_shown(quiet=False) as progress:
        progress.phase("starting", 0)
        progress.phase("rounds", 2)
        progress.advance(1, loss=0.25)
        progress.note("a remark")
    assert capsys.readouterr().err.splitlines() == ["starting", "rounds: 2", "rounds: 1/2 loss 0.25", "a remark"]


def test_bars_fit_80_columns_uncut(monkeypatch):
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr(console, "console", lambda **_: terminal)
    with console.progress_shown(quiet=False) as progress:
        for name in (LEARNING, "checking the written files", "optimising (mem)"):
            progress.phase(name, 1024)
            progress.advance(1024, surrogate_loss=0.123)
    last = out.getvalue()
    assert "1024/1024" in last
    assert f"{LEARNING} " in last
    assert "…" not in last


def test_quiet_shows_nothing(capsys):
    with console.progress_shown(quiet=True) as progress:
        progress.phase("rounds", 2)
        progress.note("a remark")
    assert capsys.readouterr() == ("", "")


LIBRARY = """
import signal, time
try:
    signal.raise_signal({number})
    time.sleep(0.3)
except BaseException:
    swallowed = True
"""


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_no_library_swallows_an_interruption(tmp_path, monkeypatch, name):
    number = getattr(signal, name)
    (tmp_path / f"library_{name}.py").write_text(LIBRARY.format(number=int(number)))
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.signal(number, signal.default_int_handler)  # ignored where the tests run unattended
    try:
        with console.interruptible():
            library = importlib.import_module(f"library_{name}")
            with pytest.raises(KeyboardInterrupt):
                time.sleep(10)
        assert not hasattr(library, "swallowed")
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


@POSIX
@pytest.mark.parametrize("start", [["-m", "unlearnable"], ["-c", "from unlearnable.__main__ import main; main()"]])
def test_ctrl_c_while_the_program_is_imported_shows_no_traceback(tmp_path, start):
    pressed = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "typer.py").write_text(pressed)  # the first library that the program imports
    where = os.pathsep.join([str(tmp_path), str(Path(unlearnable.__file__).parents[1])])
    ended = subprocess.run(
        [sys.executable, "-P", *start, "--version"],
        env={**os.environ, "PYTHONPATH": where},
        capture_output=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # ignored where the tests run unattended
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, b"", b"")
