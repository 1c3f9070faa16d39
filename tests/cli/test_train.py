"""`train` as a shell sees it."""

from __future__ import annotations

import json

import pytest

from tests.cli.program import call
from unlearnable.report import made_by


@pytest.fixture
def short(posts, tiny_path, tmp_path):
    """The arguments of a training of one epoch."""
    options = ("--epochs", "1", "--batch-size", "4", "--device", "cpu", "--output", tmp_path / "out.safetensors")
    return ("train", "--data", posts, "--model", tiny_path, *options)


def test_train_prints_one_json_object_and_progress_goes_to_stderr(short, tmp_path):
    result = call(*short, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["made_by"] == made_by()
    assert report["output"] == str(tmp_path / "out.safetensors")
    assert len(report["sha256"]) == 64
    assert f"training {report['model']}" in result.stderr
    assert (tmp_path / "out.safetensors").is_file()


def test_a_folder_given_twice_is_read_once(short, posts):
    once, twice = (json.loads(call(*short, *more, "--json").stdout) for more in ((), ("--data", posts, "--overwrite")))
    found = [(one["photos"], one["held_out_photos"], one["sha256"]) for one in (once, twice)]
    assert found[0] == found[1]


def test_train_for_a_person_fits_80_columns(short):
    result = call(*short, env={"COLUMNS": "80"})
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if "written to" not in line]
    assert max(map(len, lines)) <= 80
    assert "held out" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("train",), 2, "data"),
        (("train", "--data", "photos", "--model", "vit-smal"), 4, "vit-small"),
        (("train", "--data", "nowhere"), 3, "nowhere"),
        (("train", "--data", "photos", "--output", "photos/p0.png"), 2, "lies in photos"),
        (("train", "--data", "photos", "--output", "taken.safetensors"), 5, "exists"),
    ],
)
def test_a_failure_has_its_exit_code_and_says_what_to_do(posts, tmp_path, arguments, code, words):
    (posts.parent / "taken.safetensors").touch()
    result = call(*arguments, cwd=posts.parent, env={"UNLEARNABLE_CACHE": str(tmp_path / "cache")})
    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr
