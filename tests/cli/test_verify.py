"""`train` and `verify` as a shell sees them."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import tomllib

import pytest
from typer.testing import CliRunner

from tests.cli.test_protect import FILE, run
from unlearnable.cli import benchmark as benchmark_command
from unlearnable.cli import train as train_command
from unlearnable.cli import verify as verify_command
from unlearnable.cli.app import app
from unlearnable.config import BenchmarkSettings, TrainSettings, VerifySettings

SHORT = ("--epochs", "1", "--batch-size", "8", "--seeds", "0", "--device", "cpu")


@pytest.fixture
def pair(posts):
    """Photos, and an untouched copy in the place of the protected ones."""
    copy = posts.with_name("photos-protected")
    shutil.copytree(posts, copy)
    return posts, copy


def test_verify_prints_one_json_object_as_the_contract_has_it(pair, tiny_path):
    result = run("verify", *pair, "--victims", tiny_path, *SHORT, "--json", "--through", "png,jpeg-75")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert {"schema_version", "gallery", "references", "cells", "verdict"} <= report.keys()
    assert report["references"]["pretrained"].keys() == {str(tiny_path)}
    assert report["references"]["random"]["text_to_image"]["medr"] == 1.5
    assert [(cell["data"], cell["through"]) for cell in report["cells"]] == [
        ("clean", "png"), ("protected", "png"), ("protected", "jpeg-75"),
    ]  # fmt: skip
    for cell in report["cells"]:
        assert cell.keys() >= {"victim", "seed", "image_to_text", "text_to_image", "loss_curve", "seconds"}
        assert cell["image_to_text"].keys() >= {"hit10", "medr"}
    assert "photos-protected.verify" in report["output"]


def test_verify_for_a_person_fits_80_columns_and_names_the_split(pair, tiny_path):
    environment = {**os.environ, "COLUMNS": "80"}
    result = run("verify", *pair, "--victims", tiny_path, *SHORT, "--quiet", "--ablations", env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "cannot be judged" in result.stdout.splitlines()[0]
    assert "20 % of the photos, drawn with seed 0" in " ".join(result.stdout.split())
    for arm in ("clean", "protected", "noise-only"):
        assert re.search(rf"loss, tiny.safetensors, {arm} +[▁-█] \d", result.stdout)
    lines = [line for line in result.stdout.splitlines() if not line.startswith("report: ")]
    assert max(map(len, lines)) <= 80


def test_a_missed_requirement_exits_10_after_the_report(pair, tiny_path):
    arguments = ("verify", *pair, "--victims", tiny_path, *SHORT, "--quiet", "--json")
    result = run(*arguments, "--require", "hit10<=1")
    assert result.returncode == 10
    assert json.loads(result.stdout)["missed"]
    assert "missed hit10<=1" in result.stderr
    assert run(*arguments, "--require", "hit10<=100").returncode == 0


def test_plain_verify_takes_the_last_run(posts, tiny_path, state_folder, tmp_path):
    file = tmp_path / "quick.toml"
    file.write_text(FILE + "max_rounds = 3\n")
    made = run("protect", posts, "--captions", posts / "posts.jsonl", "--surrogate", tiny_path, "--config", file)
    assert made.returncode == 0, made.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = run("verify", "--victims", tiny_path, *SHORT, "--json", cwd=elsewhere)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["protected"] == f"{posts}-protected"
    assert "the last protect run" in result.stderr


def test_plain_verify_takes_a_pair_in_this_folder_and_says_so(pair, tiny_path, tmp_path):
    result = run("verify", "--victims", tiny_path, *SHORT, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "found in this folder" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("verify",), 3, "no earlier run"),
        (("verify", "photos", "nowhere"), 3, "nowhere"),
        (("verify", "photos", "photos", "--victims", "RN50:openai"), 4, "small"),
        (("verify", "photos", "photos", "--victims", "vit-small"), 4, "unlearnable train"),
        (("verify", "photos", "photos", "--through", "jpg-75"), 2, "jpeg"),
        (("verify", "photos", "photos", "--seeds", "a"), 2, "seeds"),
        (("verify", "photos", "photos", "--require", "hits"), 2, "hit10<=10"),
        (("verify", "photos", "photos", "--require", ""), 2, "empty value"),
        (("verify", "photos", "photos", "--seeds", ""), 2, "empty value"),
        (("verify", "photos", "photos", "--seed", "-1"), 2, "greater than or equal to 0"),
        (("verify", "nosuch"), 3, "there is no nosuch"),
        (("train",), 2, "data"),
        (("train", "--data", "photos", "--model", "vit-smal"), 4, "vit-small"),
        (("train", "--data", "nowhere"), 3, "nowhere"),
        (("train", "--data", "photos", "--output", "photos/p0.png"), 5, "exists"),
    ],
)
def test_a_failure_has_its_exit_code_and_says_what_to_do(posts, tmp_path, arguments, code, words):
    environment = os.environ | {"UNLEARNABLE_CACHE": str(tmp_path / "cache")}
    result = run(*arguments, cwd=posts.parent, env=environment)
    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


VERIFY = {
    "captions": "c.jsonl", "protected_captions": "d.jsonl", "test": "t", "test_captions": "t.jsonl",
    "test_fraction": 0.3, "background": "b", "background_captions": "b.jsonl", "victims": ["a", "b"],
    "from_scratch": True, "epochs": 3, "lr": 0.5, "batch_size": 7, "smallest_crop": 0.4, "through": ["png", "blur-1"],
    "one_caption": True,
    "ablations": True, "seeds": [4, 5], "require": ["hit10<=10"], "output": "o", "seed": 8, "device": "cpu",
}  # fmt: skip
TRAIN = {
    "data": ["x", "y"], "captions": ["a", "b"], "test_fraction": 0.3, "model": "m", "output": "o", "epochs": 3,
    "lr": 0.5, "batch_size": 7, "weight_decay": 0.3, "warmup": 0.2, "one_caption": True,
    "smallest_crop": 0.4, "precision": "bf16", "seed": 8, "device": "cpu",
}  # fmt: skip
BENCHMARK = {
    "dataset": "coco", "data": "d", "methods": ["em", "mem-4"], "surrogate": "s", "victims": ["a", "b"],
    "fractions": [1.0, 0.25], "through": ["png", "blur-1"], "seeds": [4, 5], "scale": "paper", "limit": 9,
    "output": "o", "cache_dir": "c", "latex": True, "device": "cpu",
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "settings", "values", "start"),
    [
        (verify_command.verify, VerifySettings, VERIFY, ["verify", "p", "q"]),
        (train_command.train, TrainSettings, TRAIN, ["train"]),
        (benchmark_command.benchmark, BenchmarkSettings, BENCHMARK, ["benchmark"]),
    ],
)
def test_every_option_reaches_the_settings(tmp_path, command, settings, values, start):
    options = set(inspect.signature(command).parameters) & set(settings.model_fields)
    assert options == set(values) | ({"originals", "protected"} if start[0] == "verify" else set())
    arguments = [*start, "--print-config"]
    for name, value in values.items():
        flag = "--all-captions" if value is False else f"--{name.replace('_', '-')}"
        several = [",".join(map(str, value))] if name in ("seeds", "fractions") else value
        for one in several if isinstance(several, list) else [several]:
            arguments += [flag] if isinstance(one, bool) else [flag, str(one)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    printed = tomllib.loads(result.output)
    assert {name: printed[name] for name in values} == values
    (tmp_path / "run.toml").write_text(result.output)
    again = CliRunner().invoke(app, [start[0], "--print-config", "--config", str(tmp_path / "run.toml")])
    assert again.output == result.output
