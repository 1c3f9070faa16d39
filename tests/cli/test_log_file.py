"""`--log-file`: what is said on stderr, in lines with time and level."""

from __future__ import annotations

import json
import re
import stat

import pytest
from PIL import Image

from tests.cli.program import call
from tests.conftest import picture, tree
from unlearnable import protect
from unlearnable.cli import shown
from unlearnable.cli.console import say
from unlearnable.errors import OutputError
from unlearnable.progress.logfile import keeping, open_log

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} (INFO|WARNING|ERROR) ")


def texts(path):
    """The lines of a log without their stamps, which each must have."""
    lines = path.read_text().splitlines()
    assert all(STAMP.match(line) for line in lines)
    return [STAMP.sub("", line, count=1) for line in lines]


def test_what_is_said_on_stderr_is_in_it_line_for_line_and_appended(posts, quick, tmp_path):
    log = tmp_path / "run.log"
    result = call("protect", posts, *quick, "--log-file", log)
    assert result.returncode == 0, result.stderr
    assert texts(log) == result.stderr.splitlines()
    again = call("protect", posts, *quick, "--log-file", log)
    assert again.returncode == 5
    assert texts(log) == [*result.stderr.splitlines(), *again.stderr.splitlines()]
    assert "ERROR error: " in log.read_text()


def test_quiet_is_no_reason_to_write_less(posts, quick, tmp_path):
    log = tmp_path / "run.log"
    result = call("protect", posts, *quick, "--quiet", "--json", "--log-file", log)
    assert result.stderr == ""
    assert json.loads(result.stdout)["protected"] == 8
    assert texts(log)[0] == "starting"
    assert any(line.startswith("writing photos: 8/8") for line in texts(log))


def test_beside_bars_there_are_lines(tmp_path, monkeypatch):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    with keeping():
        say("early")
        open_log(tmp_path / "log")
        with shown.shown(quiet=False, logged=True) as progress:
            progress.phase("rounds", 2)
            progress.advance(2, loss=0.5)
            progress.note("a remark")
    assert texts(tmp_path / "log")[:2] == ["early", "rounds: 2"]
    assert texts(tmp_path / "log")[-1] == "a remark"


def test_it_holds_no_control_characters(quick, tmp_path):
    folder, log = tmp_path / "photos", tmp_path / "log"
    folder.mkdir()
    (folder / "a\x1b[31m\nERROR b.png").write_bytes(b"no photo")
    result = call("protect", folder, *quick, "--log-file", log)
    assert result.returncode == 3
    assert "\x1b" not in log.read_text()
    assert texts(log)[-1].startswith("error: ")
    assert r"\x1b" in texts(log)[-1]


@pytest.mark.parametrize("path", ["missing/run.log", "."])
def test_what_cannot_be_written_is_said_before_the_work(posts, quick, tmp_path, path):
    before = tree(tmp_path)
    result = call("protect", posts, *quick, "--log-file", tmp_path / path)
    assert result.returncode == 5
    assert "cannot write" in result.stderr
    assert "reading photos" not in result.stderr
    assert tree(tmp_path) == before


def test_nothing_but_a_log_is_appended_to(posts, quick, tmp_path):
    before = tree(tmp_path)
    result = call("protect", posts, *quick, "--log-file", posts / "posts.jsonl")
    assert result.returncode == 2
    assert "is no log of this program" in result.stderr
    assert tree(tmp_path) == before


def test_a_variable_and_a_file_of_settings_name_it_too(posts, quick, tmp_path):
    call("protect", posts, *quick, env={"UNLEARNABLE_LOG_FILE": str(tmp_path / "a.log")})
    assert "starting" in texts(tmp_path / "a.log")
    file = tmp_path / "quick.toml"
    file.write_text(file.read_text() + f'log_file = "{tmp_path / "b.log"}"\n')
    call("protect", posts, *quick)
    assert "starting" in texts(tmp_path / "b.log")


@pytest.mark.parametrize("command", ["protect", "verify", "train", "benchmark", "explain"])
def test_all_long_commands_have_it(command, tmp_path):
    place = {
        "protect": ["nowhere"],
        "verify": ["nowhere", "nowhere"],
        "train": ["--data", "nowhere"],
        "benchmark": ["--dataset", "flickr8k", "--data", "nowhere"],
        "explain": ["nowhere.png", "--model", "small", "--caption", "x"],
    }[command]
    result = call(command, *place, "--log-file", "log", cwd=tmp_path)
    assert result.returncode != 0
    assert texts(tmp_path / "log") == result.stderr.splitlines()


def test_the_call_from_python_writes_it_too(posts, tiny_path, tmp_path):
    log = tmp_path / "log"
    protect(posts, log_file=log, surrogate=(str(tiny_path),), max_rounds=3, batch_size=8)
    with pytest.raises(OutputError):
        protect(posts, log_file=log, surrogate=(str(tiny_path),), max_rounds=3, batch_size=8)
    assert "reading photos: 8" in texts(log)
    assert any(line.startswith("error: ") and "exists already" in line for line in texts(log))


def test_it_changes_nothing_that_results_are_named_by(posts, quick, tmp_path):
    call("protect", posts, *quick)
    result = call("protect", posts, *quick, "--resume", "--log-file", tmp_path / "log")
    assert result.returncode == 0, result.stderr


def test_add_in_the_shell(posts, quick, tmp_path):
    assert call("protect", posts, *quick).returncode == 0
    nothing = call("protect", posts, "--add")
    assert (nothing.returncode, nothing.stdout) == (
        0,
        f"nothing to add: {tmp_path / 'photos-protected'} has a copy of every other photo already\n",
    )
    Image.fromarray(picture(99)).save(posts / "new.png")
    planned = call("protect", posts, "--add", "--dry-run", "--json")
    assert json.loads(planned.stdout)["photos"] == 1
    wrong = call("protect", posts, "--add", "--epsilon", "3")
    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (
        2,
        "error: --epsilon: the earlier result was made with 8, not 3",
    )
    result = call("protect", posts, "--add", "--json")
    assert (result.returncode, json.loads(result.stdout)["added"]) == (0, 1)
    assert json.loads(call("protect", posts, "--add", "--dry-run", "--json").stdout)["photos"] == 0
    assert call("protect", posts, "--add", "--resume").returncode == 2
    assert stat.S_IMODE((tmp_path / "photos-protected.private").stat().st_mode) == 0o700


def test_a_log_is_not_written_where_all_may_be_published(posts, quick, tmp_path):
    """It names originals, and the next run would take it for a foreign file."""
    assert call("protect", posts, *quick, "--quiet").returncode == 0
    log = tmp_path / "photos-protected" / "run.log"
    result = call("protect", posts, *quick, "--quiet", "--overwrite", "--log-file", log)
    assert (result.returncode, log.exists()) == (5, False)
    assert "to be published" in result.stderr
