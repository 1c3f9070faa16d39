"""The options of the long commands: each reaches the settings, and its help says what its setting says of itself."""

from __future__ import annotations

import inspect
import tomllib
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from rich.markup import render

from tests.cli.program import call
from unlearnable.cli.app import COMMANDS, app
from unlearnable.settings import (
    PRESETS,
    BenchmarkSettings,
    ExplainSettings,
    ProtectSettings,
    TrainSettings,
    VerifySettings,
    default_text,
    takes_several,
)

SETTINGS: dict[str, type[BaseModel]] = {
    "protect": ProtectSettings,
    "train": TrainSettings,
    "verify": VerifySettings,
    "benchmark": BenchmarkSettings,
    "explain": ExplainSettings,
}
VALUES = {
    "protect": {
        "captions": "c.jsonl", "output": "o", "method": "em", "surrogate": ["a", "b"], "epsilon": 5,
        "trigger_length": 4,
        "names": "initials", "name": ["Ada Cox", "Mia"], "words": "w",
        "preset": "strong", "format": "webp", "platform": "x",
        "keep_metadata": "all", "opt_out": True, "keep_fields": ["alt", "place"],
        "seed": 12, "device": "cpu",
        "only": ["2024/*", "*.jpg"], "skip": ["a", "b"],
    },
    "train": {
        "data": ["x", "y"], "captions": ["a", "b"], "test_fraction": 0.3, "model": "m", "output": "o", "epochs": 3,
        "lr": 0.5, "batch_size": 7, "weight_decay": 0.3, "warmup": 0.2, "one_caption": True,
        "smallest_crop": 0.4, "precision": "bf16", "seed": 8, "device": "cpu",
        "from_scratch": False,
    },
    "verify": {
        "captions": "c.jsonl", "test": "t", "test_fraction": 0.3, "background": "b", "crowd": "k",
        "crowd_test": "l", "leaked": 0.25, "victims": ["a", "b"], "from_scratch": True, "epochs": 3, "lr": 0.5,
        "suite": "quick", "through": ["png", "blur-1"], "attackers": ["plain", "cutout"],
        "ablations": True, "seeds": [4, 5], "require": ["hit10<=10"], "output": "o",
        "seed": 8, "device": "cpu",
    },
    "benchmark": {
        "dataset": "coco", "data": "d", "methods": ["em", "mem-4"], "surrogate": "s", "victims": ["a", "b"],
        "fractions": [1.0, 0.25], "through": ["png", "blur-1"], "seeds": [4, 5], "scale": "paper", "limit": 9,
        "output": "o", "latex": True, "device": "cpu",
    },
    "explain": {
        "caption": "a dog", "trigger": "one two", "model": ["a", "b"], "map": ["x", "y"],
        "output": "o", "seed": 8, "device": "cpu",
    },
}  # fmt: skip
FLAGS = {"attackers": "--attacker", "platform": "--for"}  # not named as their setting
OFF = {"one_caption": "--all-captions", "from_scratch": "--pretrained"}
ARGUMENTS = {"protect": {"photos": "p"}, "verify": {"originals": "p", "protected": "q"}, "explain": {"photo": "p"}}


def flags(values, *, commas):
    """The options that give values; lists with commas, or repeated."""
    for name, value in values.items():
        flag = OFF[name] if value is False else FLAGS.get(name, f"--{name.replace('_', '-')}")
        if isinstance(value, bool):
            yield flag
        elif isinstance(value, list) and not commas:
            for one in value:
                yield from (flag, str(one))
        else:
            yield from (flag, ",".join(map(str, value)) if isinstance(value, list) else str(value))


@pytest.mark.parametrize("commas", [True, False])
@pytest.mark.parametrize("name", SETTINGS)
def test_every_option_reaches_the_settings(tmp_path, monkeypatch, name, commas):
    for setting in ("PRECISION", "VISIBILITY"):
        monkeypatch.delenv(f"UNLEARNABLE_{setting}")  # which a file does not overrule
    values, arguments = VALUES[name], ARGUMENTS.get(name, {})
    options = set(inspect.signature(COMMANDS[name]).parameters) & set(SETTINGS[name].model_fields)
    assert options == {*values, *arguments}
    result = call(name, *arguments.values(), *flags(values, commas=commas), "--print-config", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    printed = tomllib.loads(result.stdout)
    assert {setting: printed[setting] for setting in (*values, *arguments)} == {**values, **arguments}
    (tmp_path / "run.toml").write_text(result.stdout)
    photos = arguments.values() if name == "protect" else ()
    again = call(name, *photos, "--print-config", "--config", tmp_path / "run.toml")
    assert again.stdout == result.stdout


@pytest.mark.parametrize("given", [["--seed", "7,8"], ["--seed", "7", "--seeds", "8"], ["--seeds", "7", "--seed", "8"]])
def test_the_seed_of_a_benchmark_is_one_of_its_seeds(given):
    result = call("benchmark", "--dataset", "pubfig", *given, "--print-config")
    assert tomllib.loads(result.stdout)["seeds"] == [7, 8]


def test_no_flag_of_a_command_stands_for_two_options():
    for name, command in typer.main.get_group(app).commands.items():
        flags = [flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)]
        assert len(set(flags)) == len(flags), name


def parameters():
    for name, command in typer.main.get_group(app).commands.items():
        for parameter in command.params:
            if parameter.name in getattr(SETTINGS.get(name), "model_fields", ()):
                yield pytest.param(SETTINGS[name], parameter, id=f"{name} {parameter.name}")


@pytest.mark.parametrize(("kind", "parameter"), list(parameters()))
def test_a_help_text_says_what_the_setting_says_of_itself(kind, parameter):
    text, name = render(parameter.help).plain, parameter.name
    field, shown = kind.model_fields[name], default_text(kind, name)
    if "preset" in kind.model_fields:
        shown = str(PRESETS[kind.model_fields["preset"].default].get(name, shown))
    assert text.startswith(field.description)
    option = parameter.param_type_name == "option"
    assert ("Repeatable" in text) == (takes_several(kind, name) and option)
    if field.is_required() and not shown:
        assert parameter.required or text.endswith("(required)")
    elif parameter.secondary_opts and field.default is not None:
        assert text.endswith(f"(default: {(parameter.secondary_opts, parameter.opts)[field.default][0]})")
    else:
        assert f"(default: {shown}" in text or not shown


def test_the_help_of_protect_is_short():
    lines = call("protect", "--help", env={"COLUMNS": "80"}).stdout.splitlines()
    assert len(lines) <= 100
    assert max(map(len, lines)) <= 80


def test_what_one_needs_first_stands_first():
    options: list[Any] = [
        p for p in typer.main.get_group(app).commands["protect"].params if p.param_type_name == "option"
    ]
    assert list(dict.fromkeys(p.rich_help_panel for p in options)) == ["What to protect", "How", "Output", "More"]
    assert [p.name for p in options][:16] == [
        "captions", "only", "skip", "preset", "epsilon", "surrogate", "method", "trigger_length",
        "words", "names", "name", "output", "format", "resume", "overwrite", "add",
    ]  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_ends_with_the_panel_of_what_one_seldom_needs(name):
    result = call(name, "--help", env={"COLUMNS": "80"})
    assert result.returncode == 0
    last = result.stdout.rpartition("╭─ ")[2]
    assert last.startswith("More")
    assert all(option in last for option in ("--json", "--debug", "--help"))


def test_a_path_with_a_comma_stays_whole_where_it_exists(tmp_path):
    (tmp_path / "me, you").mkdir()
    (tmp_path / "me, you" / "a,b.safetensors").touch()
    given = "small,me, you/a,b.safetensors,RN50:openai,"
    result = call("protect", ".", "--surrogate", given, "--print-config", cwd=tmp_path)
    assert tomllib.loads(result.stdout)["surrogate"] == ["small", "me, you/a,b.safetensors", "RN50:openai"]
    variable = call("protect", ".", "--print-config", cwd=tmp_path, env={"UNLEARNABLE_SURROGATE": given})
    assert variable.stdout == result.stdout
    data = call("train", "--data", "me, you", "--data", "x,y", "--print-config", cwd=tmp_path)
    assert tomllib.loads(data.stdout)["data"] == ["me, you", "x", "y"]


@pytest.mark.parametrize("given", ["", " , "])
@pytest.mark.parametrize("flag", ["--seeds", "--require"])
def test_a_list_without_a_value_is_refused(flag, given):
    result = call("verify", "p", "q", flag, given)
    assert result.returncode == 2
    assert f"{flag} was given an empty value" in result.stderr


def test_a_number_in_a_list_that_is_none_is_named_with_its_option(tmp_path):
    result = call("benchmark", "--dataset", "coco", "--fractions", "1.0,half")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: --fractions: ")
    assert line.endswith("(got 'half')")


@pytest.mark.parametrize(
    ("command", "flag", "given", "words"),
    [
        ("protect", "--epsilon", "8/255", "needs a whole number from 1 to 64, in 1/255: 8 means 8/255"),
        ("verify", "--test-fraction", "20%", "needs a number, above 0 and below 1"),
        ("benchmark", "--fractions", "2", "needs a number, above 0 and at most 1"),
    ],
)
def test_a_number_that_does_not_fit_is_told_what_it_has_to_be(command, flag, given, words):
    others = {"benchmark": ("--dataset", "coco"), "explain": ("--model", "small")}.get(command, ())
    result = call(command, *ARGUMENTS.get(command, {}).values(), *others, flag, given, "--print-config")
    assert result.returncode == 2
    assert result.stderr.splitlines() == [f"error: {flag}: {words} (got {given!r})"]


def test_other_values_of_variables_are_told_what_they_have_to_be(tmp_path):
    for name, given, words in (
        ("preset", "slow", "preset: needs to be 'fast', 'balanced' or 'strong' (got 'slow'"),
        ("opt_out", "maybe", "opt_out: needs to be true or false (got 'maybe'"),
    ):
        variable = f"UNLEARNABLE_{name.upper()}"
        result = call("protect", ".", "--print-config", cwd=tmp_path, env={variable: given})
        assert result.stderr.splitlines() == [f"error: {words} from {variable})"]


@pytest.mark.parametrize(
    ("name", "setting", "hint"),
    [
        ("benchmark", "dataset", "give --dataset or set UNLEARNABLE_DATASET"),
        ("train", "data", "give --data"),
        ("explain", "model", "give --model or set UNLEARNABLE_MODEL"),
    ],
)
def test_what_is_required_is_asked_for(name, setting, hint):
    result = call(name)
    assert result.returncode == 2
    assert result.stderr.splitlines() == [f"error: --{setting} is not given", f"hint: {hint}"]


def test_a_variable_that_nothing_reads_is_said(tmp_path):
    misspelt = {"UNLEARNABLE_EPSILO": "4", "UNLEARNABLE_TRAIN_DATA": "d", "UNLEARNABLE_XYZQJ": "1"}
    right = {"UNLEARNABLE_SEED": "1", "UNLEARNABLE_DATA": str(tmp_path), "UNLEARNABLE_CACHE": str(tmp_path)}
    result = call("protect", ".", "--print-config", cwd=tmp_path, env=misspelt | right)
    assert result.returncode == 0
    assert result.stderr.splitlines() == [
        "warning: unknown environment variable UNLEARNABLE_EPSILO: did you mean UNLEARNABLE_EPSILON?",
        "warning: unknown environment variable UNLEARNABLE_TRAIN_DATA: docs/reference/cli.md lists all",
        "warning: unknown environment variable UNLEARNABLE_XYZQJ: docs/reference/cli.md lists all",
    ]
