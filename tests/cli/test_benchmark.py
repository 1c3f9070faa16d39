"""`benchmark` as a shell sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.benchmark.conftest import faces, flickr  # noqa: F401  (fixtures)
from tests.cli.program import POSIX, call
from tests.forked import Forked
from unlearnable.report import made_by

PAUSING = """
import sys, threading
import unlearnable.training.loop as fit
from unlearnable.storage import checkpoint
from unlearnable.cli.app import main
real, checkpoint.SOON = fit._save, 0
def save_and_pause(task, *rest):
    real(task, *rest)
    if task.checkpoint.name.startswith("mem-3"):
        print("saved", flush=True)
        threading.Event().wait()  # for ever
fit._save = save_and_pause
main()
"""


@pytest.fixture
def common(tiny_path, tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARNABLE_CACHE", str(tmp_path / "cache"))

    def make(root, *more):
        models = ("--surrogate", tiny_path, "--victims", tiny_path)
        return ("benchmark", "--scale", "tiny", "--data", root, *models, *more)

    return make


def test_json_is_as_the_contract_has_it(flickr, common, tmp_path):  # noqa: F811
    out = tmp_path / "out"
    result = call(*common(flickr, "--dataset", "flickr8k", "--output", out, "--json"))
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["made_by"] == made_by()
    assert (report["settings"]["dataset"], report["settings"]["output"]) == ("flickr8k", str(out))
    assert {"schema_version", "dataset", "scale", "cells", "ran", "reused"} <= report.keys()
    assert (report["dataset"], report["scale"], report["ran"], report["reused"]) == ("flickr8k", "tiny", 2, 0)
    for cell in report["cells"]:
        wanted = {"method", "surrogate", "victim", "same_family", "fraction", "through", "seed", "paper", "seconds"}
        assert wanted <= cell.keys()
        assert cell["image_to_text"].keys() >= {"hit10", "medr"}
    names = {path.name for path in out.rglob("*") if path.is_file()}
    assert {"table.md", "table.json", "flickr8k-curves.png"} <= names
    assert len(list((out / "cells").glob("*-????????.json"))) == 2


def test_for_a_person_it_fits_80_columns(faces, common, tmp_path):  # noqa: F811
    environment = {"COLUMNS": "80"}
    arguments = common(faces, "--dataset", "pubfig", "--output", tmp_path / "out")
    planned = call(*arguments, "--list", env=environment)
    assert planned.returncode == 0, planned.stderr
    result = call(*arguments, env=environment)
    assert result.returncode == 0, result.stderr
    assert "Table 5" in result.stdout
    assert "Pre-trained" in result.stdout
    for text in (planned.stdout, result.stdout):
        assert max(len(line) for line in text.splitlines() if "tables and figures" not in line) <= 80


@POSIX
def test_killed_in_a_cell_and_resumed_gives_the_same_table(flickr, common, tmp_path):  # noqa: F811
    whole = common(flickr, "--dataset", "flickr8k", "--output", tmp_path / "whole", "--json")
    assert call(*whole).returncode == 0
    broken = common(flickr, "--dataset", "flickr8k", "--output", tmp_path / "broken", "--json")
    command_line = [sys.executable, "-c", PAUSING, *map(str, broken)]
    with Forked(command_line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == "saved\n"
        process.send_signal(signal.SIGKILL)
    assert list((tmp_path / "broken").rglob("mem-3*.partial"))
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "broken" / "table.md").exists()
    result = call(*broken, "--resume")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["reused"] == 1
    tables = [(tmp_path / name / "table.md").read_text() for name in ("whole", "broken")]
    assert tables[0] == tables[1]


def test_two_processes_share_the_cells_and_a_third_call_lays_out_all(flickr, common, tmp_path):  # noqa: F811
    arguments = common(flickr, "--dataset", "flickr8k", "--output", tmp_path / "out", "--json")
    started = [
        Forked(
            [sys.executable, "-c", "from unlearnable.cli.app import main; main()", *map(str, arguments)],
            env=os.environ | {"RANK": str(rank), "WORLD_SIZE": "2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    printed = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert json.loads(printed[0])["ran"] == 1
    assert printed[1] == ""
    after = json.loads(call(*arguments).stdout)
    assert (after["ran"], after["reused"]) == (0, 2)
    assert {cell["method"] for cell in after["cells"]} == {"clean", "mem-3"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "dataset"),
        (("--dataset", "flickr"), 2, "flickr8k"),
        (("--dataset", "coco", "--data", "empty"), 3, "dataset_coco.json"),
        (("--dataset", "flickr8k", "--data", "empty"), 3, "dataset_flickr8k.json"),
        (("--dataset", "pubfig", "--data", "empty"), 3, "no photo in"),
        (("--dataset", "flickr30k"), 3, "download it from"),
        (("--dataset", "coco", "--methods", "mem"), 2, "mem-K"),
        (("--dataset", "coco", "--fractions", "2"), 2, "fractions"),
    ],
)
def test_a_failure_has_its_exit_code_and_says_what_to_do(tmp_path, arguments, code, words):
    (tmp_path / "empty").mkdir()
    environment = {"UNLEARNABLE_CACHE": str(tmp_path / "cache")}
    result = call("benchmark", *arguments, cwd=tmp_path, env=environment)
    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_victim_that_was_not_trained_yet_is_told_before_anything_runs(faces, tmp_path):  # noqa: F811
    environment = {"UNLEARNABLE_CACHE": str(tmp_path / "cache")}
    arguments = ("--data", faces, "--victims", "small-start", "--output", tmp_path / "out")
    result = call("benchmark", "--dataset", "pubfig", *arguments, env=environment)
    assert result.returncode == 4, result.stderr
    assert "unlearnable train" in result.stderr
    assert not (tmp_path / "out").exists()
