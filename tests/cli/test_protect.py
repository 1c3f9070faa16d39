"""The program as a subprocess: what a shell sees."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from functools import partial

import pytest
from typer.testing import CliRunner

from tests.conftest import tree
from unlearnable.cli import protect as command
from unlearnable.cli.app import app
from unlearnable.config import ProtectSettings

FAST = ("--max-rounds", "2", "--threshold", "0.0001")
FILE = "noise_steps = 3\nsurrogate_steps = 6\nlearning_rate = 1e-3\ncandidates = 4\nbatch_size = 8\n"


def run(*arguments, **options):
    command_line = [sys.executable, "-W", "error", "-m", "unlearnable", *map(str, arguments)]
    return subprocess.run(command_line, capture_output=True, text=True, timeout=300, check=False, **options)


@pytest.fixture
def quick(tiny_path, tmp_path):
    file = tmp_path / "quick.toml"
    file.write_text(FILE)
    return ("--surrogate", tiny_path, "--config", file, *FAST)


def test_help_answers_at_once_and_brings_no_torch():
    begun = time.monotonic()
    result = run("--help")
    assert time.monotonic() - begun < 1.5
    assert result.returncode == 0
    assert "protect" in result.stdout
    heavy = ("torch", "open_clip", "transformers")
    code = f"import sys, unlearnable.cli.app; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_protect_prints_one_json_object_and_progress_goes_to_stderr(posts, quick):
    result = run("protect", posts, "--captions", posts / "posts.jsonl", "--json", *quick)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["protected"], report["rounds"], report["trigger_roundtrip"]) == (8, 2, 1.0)
    assert "optimising (mem): 2/2 loss" in result.stderr
    wanted = {"schema_version", "output", "photos", "skipped", "linf_max", "psnr_mean", "ssim_mean", "loss_first"}
    assert wanted | {"loss_last", "stopped", "surrogates", "seconds"} <= report.keys()


def test_protect_for_a_person_fits_80_columns(posts, quick):
    (posts / "broken [bold].jpg").write_text("text")
    result = run("protect", posts, "--quiet", *quick, env={**os.environ, "COLUMNS": "80"})
    assert result.returncode == 0
    assert result.stderr == ""
    assert "8 of 9 photos" in result.stdout
    assert "skipped broken [bold].jpg: not-an-image" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("protect", "nowhere"), 3, "nowhere"),
        (("protect", ".", "--method", "men"), 2, "did you mean 'mem'"),
        (("protect", ".", "--epsilon", "0"), 2, "epsilon"),
        (("protect", ".", "--surrogate", "RN50:openai"), 4, "small"),
        (("protect", ".", "--output", "."), 2, "overlap"),
        (("protect", ".", "--trigger-vocabulary", "natural", "--language-model", "no/such"), 4, "small-mlm"),
        (("protect", ".", "--avoid-words", "none.txt"), 2, "none.txt"),
        (("protect", ".", "--device", "cuda"), 2, "cpu"),
        (("protect", "--no-such-option"), 2, "no-such-option"),
        (("protect", ".", "--config", "none.toml"), 2, "none.toml"),
    ],
)
def test_a_failure_has_its_exit_code_and_says_what_to_do(posts, arguments, code, words):
    result = run(*arguments, cwd=posts)
    assert result.returncode == code, result.stderr
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_with_json_an_error_is_an_object_too(posts):
    result = run("protect", "nowhere", "--json", cwd=posts)
    error = json.loads(result.stdout)
    assert error["exit_code"] == result.returncode == 3
    assert "nowhere" in error["error"]


def test_debug_shows_the_traceback(posts):
    assert "Traceback" in run("protect", "nowhere", "--debug", cwd=posts).stderr


def test_existing_results_are_not_overwritten(posts, quick, tmp_path):
    assert run("protect", posts, *quick).returncode == 0
    before = tree(tmp_path / "photos-protected")
    result = run("protect", posts, *quick)
    assert result.returncode == 5
    assert "--overwrite" in result.stderr
    assert tree(tmp_path / "photos-protected") == before


POSIX = pytest.mark.skipif(os.name != "posix", reason="sends signals that only POSIX has")


@POSIX
@pytest.mark.parametrize("marker", ["optimising (mem): 2/4", "writing photos"])
def test_killed_and_resumed_gives_the_same_bytes(posts, tiny_path, tmp_path, marker):
    file = tmp_path / "slow.toml"
    file.write_text(FILE + "max_rounds = 4\nthreshold = 0.0001\n")
    common = ("protect", posts, "--captions", posts / "posts.jsonl", "--surrogate", tiny_path, "--config", file)
    assert run(*common, "--output", tmp_path / "whole").returncode == 0
    broken = (*common, "--output", tmp_path / "broken")
    command_line = [sys.executable, "-u", "-c", SLOW, *map(str, broken)]
    with subprocess.Popen(command_line, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith(marker):
                time.sleep(0.3)
                process.send_signal(signal.SIGKILL)
                break
        else:
            pytest.fail("it ended before it could be killed")
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "broken.private" / "report.json").exists()
    result = run(*broken, "--resume", "--json")
    assert result.returncode == 0, result.stderr
    assert tree(tmp_path / "broken") == tree(tmp_path / "whole")
    assert "resuming after round" in result.stderr


SLOW = """
import sys, time
from unlearnable.cli import console
from unlearnable.cli.app import main
console.LINE_SECONDS = 0
say = console._Lines._say
console._Lines._say = lambda self, text: (say(self, text), time.sleep(0.2))
main()
"""


@POSIX
def test_ctrl_c_exits_130_and_names_the_way_on(posts, tiny_path, tmp_path):
    file = tmp_path / "long.toml"
    file.write_text(FILE + "max_rounds = 5000\nthreshold = 0.0000001\n")
    command_line = ["protect", posts, "--surrogate", tiny_path, "--config", file]
    process = subprocess.Popen(
        [sys.executable, "-m", "unlearnable", *map(str, command_line)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(
            signal.signal, signal.SIGINT, signal.SIG_DFL
        ),  # ignored where the tests run in the background
    )
    with process:
        assert any(line.startswith("optimising") for line in process.stderr)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "--resume" in rest


def test_every_option_reaches_the_settings(tmp_path):
    values = {
        "captions": "c.jsonl", "output": "o", "method": "em", "surrogate": ["a", "b"], "epsilon": 5,
        "trigger_length": 4, "trigger_vocabulary": "natural", "language_model": "bert", "fluency": 0.5,
        "avoid_words": "w", "trigger_scope": "user", "trigger_position": "end",
        "preset": "strong", "threshold": 0.5, "max_rounds": 7, "format": "webp", "quality": 33,
        "keep_metadata": "all", "seed": 12, "device": "cpu", "strict": True,
    }  # fmt: skip
    options = set(inspect.signature(command.protect).parameters) & set(ProtectSettings.model_fields)
    assert options == {"photos", *values}
    arguments = ["protect", "p", "--print-config"]
    for name, value in values.items():
        flag = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            arguments += [flag] if one is True else [flag, str(one)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    printed = tomllib.loads(result.output)
    assert {name: printed[name] for name in values} == values
    (tmp_path / "run.toml").write_text(result.output)
    again = CliRunner().invoke(app, ["protect", "p", "--print-config", "--config", str(tmp_path / "run.toml")])
    assert again.output == result.output


def test_saved_settings_repeat_the_run(posts, quick, tmp_path):
    assert run("protect", posts, *quick, "--seed", "3").returncode == 0
    saved = tmp_path / "photos-protected.private" / "run.toml"
    result = run("protect", posts, "--config", saved, "--output", tmp_path / "again")
    assert result.returncode == 0, result.stderr
    assert tree(tmp_path / "again") == tree(tmp_path / "photos-protected")


@pytest.mark.parametrize("name", ["methods", "formats", "models", "attacks"])
def test_lists(name):
    result = run(name, "--json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)[name]
    assert all(row["name"] and row["summary"] for row in rows)
    assert {"methods": "mem", "formats": "coco", "models": "small", "attacks": "jpeg-75"}[name] in [
        row["name"] for row in rows
    ]


def test_doctor_says_that_the_bundled_model_is_intact():
    result = run("doctor", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["bundled_intact"] is True
    assert found["language_model_intact"] is True
    assert found["packages"]["torch"] != "missing"
    assert run("--version").stdout.startswith("unlearnable ")


def test_dry_run_says_how_long_and_writes_nothing(posts, quick, tmp_path):
    before = tree(tmp_path)
    result = run("protect", posts, "--dry-run", *quick)
    assert result.returncode == 0, result.stderr
    assert "would protect 8 photos" in result.stdout
    assert tree(tmp_path) == before
