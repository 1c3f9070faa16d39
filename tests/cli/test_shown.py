"""What is shown of a run while it lasts."""

from __future__ import annotations

import io
import subprocess
import sys

from rich.console import Console

from unlearnable.cli import shown
from unlearnable.methods.optimise import LEARNING
from unlearnable.storage import progress as lines

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
    with shown.shown(quiet=False) as progress:
        progress.phase("starting", 0)
        progress.phase("rounds", 2)
        progress.advance(1, loss=0.25)
        progress.note("a remark")
    assert capsys.readouterr().err.splitlines() == ["starting", "rounds: 2", "rounds: 1/2 loss 0.25", "a remark"]


def test_bars_fit_80_columns_uncut(monkeypatch):
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr(shown, "console", lambda **_: terminal)
    with shown.shown(quiet=False) as progress:
        for name in (LEARNING, "checking the written files", "optimising (mem)"):
            progress.phase(name, 1024)
            progress.advance(1024, surrogate_loss=0.123)
    last = out.getvalue()
    assert "1024/1024" in last
    assert f"{LEARNING} " in last
    assert "…" not in last


def test_quiet_shows_nothing(capsys):
    with shown.shown(quiet=True) as progress:
        progress.phase("rounds", 2)
        progress.note("a remark")
    assert capsys.readouterr() == ("", "")
