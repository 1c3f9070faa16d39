"""What is shown of a run while it lasts."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TextColumn

from unlearnable.cli import shown
from unlearnable.progress import lines
from unlearnable.progress.forecast import Forecast, duration
from unlearnable.progress.reporting import Forecasting, Silent, expect, within

FIRST_WORD = """
import sys, time
from unlearnable.progress import lines
from unlearnable.cli.app import main
def said(self, text):
    print(text, round(time.process_time(), 2), "torch" in sys.modules)
    raise SystemExit
lines.Lines._say = said
main()
"""


class Watch:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_word_is_said_within_a_second_before_anything_heavy_is_imported(posts):
    command_line = [sys.executable, "-c", FIRST_WORD, "protect", str(posts)]
    result = subprocess.run(command_line, capture_output=True, text=True, check=True)
    words, seconds, torch = result.stdout.split()  # seconds of this process, however busy the machine is
    assert (words, torch) == ("starting", "False")
    assert float(seconds) < 1


def test_what_is_left_is_what_was_expected_until_the_speed_so_far_is_known():
    watch = Watch()
    forecast = Forecast(watch)
    assert forecast.left() is None
    forecast.expect({"a": 10.0, "b": 100.0})
    forecast.phase("a", 4)
    assert forecast.left() == 110
    watch.now = 5.0
    forecast.advance(1)  # a quarter in 5 seconds: 15 more, whatever was expected
    assert forecast.left_of_phase() == pytest.approx(15)
    assert forecast.left() == pytest.approx(115)
    assert forecast.share() == pytest.approx(5 / 120)
    watch.now = 20.0
    forecast.phase("b", 10)
    assert forecast.left() == pytest.approx(100)
    watch.now = 22.0
    forecast.within(0.5)
    trust = 0.05 / 0.25
    assert forecast.left() == pytest.approx(0.95 * (trust * 40 + (1 - trust) * 100))


def test_what_an_earlier_run_did_says_nothing_of_the_speed():
    watch = Watch()
    forecast = Forecast(watch)
    forecast.phase("rounds", 8)
    forecast.advance(6)
    assert forecast.left_of_phase() is None
    watch.now = 3.0
    forecast.advance(1)
    assert forecast.left_of_phase() == pytest.approx(3)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "1 s"), (59, "59 s"), (61, "2 min"), (120, "2 min"), (7200, "2.0 h")]
)
def test_times_in_words(seconds, words):
    assert duration(seconds) == words


def test_lines_tell_the_parts_of_a_step_and_how_long_all_of_it_takes(monkeypatch, capsys):
    monkeypatch.setattr(lines, "LINE_SECONDS", 0.0)
    with shown.shown(quiet=False) as progress:
        progress.phase("starting", 0)
        expect(progress, {"rounds": 300.0, "writing": 600.0})
        progress.phase("rounds", 2)
        within(progress, 0.5)
        progress.advance(1, loss=0.25)
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == ["starting", "rounds: 2"]
    assert told[2].startswith("rounds: 0/2")
    assert "all of it: about" in told[2]
    assert told[3].startswith("rounds: 1/2 loss 0.25")


def test_a_line_has_nothing_where_nothing_is_known(monkeypatch):
    monkeypatch.setattr(lines, "LINE_SECONDS", 0.0)
    told: list[str] = []
    progress = lines.Lines(told.append)
    progress.phase("rounds", 2)
    progress.advance(0)
    progress.advance(1)
    assert told[1] == "rounds: 0/2"
    assert told[2].startswith("rounds: 1/2 (")


def test_a_terminal_has_a_bar_for_all_of_it():
    columns = (TextColumn("{task.description} {task.fields[count]} {task.fields[figures]}"),)
    with Bars(*columns, console=Console(file=io.StringIO(), force_terminal=True)) as bars:
        progress = shown._Shown(bars)
        progress.phase("starting", 0)
        assert [task.description for task in bars.tasks] == ["starting"]
        progress.expect({"rounds": 300.0})
        progress.phase("rounds", 4)
        progress.within(0.5)
        assert [task.description for task in bars.tasks] == ["starting", "rounds", "all of it"]
        assert bars.tasks[1].completed == 0.5
        assert "left" in bars.tasks[2].fields["figures"]


def test_a_progress_that_forecasts_nothing_is_left_alone():
    assert not isinstance(Silent(), Forecasting)
    expect(Silent(), {"a": 1.0})
    within(Silent(), 0.5)
