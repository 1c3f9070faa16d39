"""The options of the long commands: each reaches the settings, and its help says what its setting says of itself."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.markup import render

from tests.cli.program import call, settings_of
from unlearnable.cli.app import COMMANDS, app
from unlearnable.settings import (
    BenchmarkSettings,
    ExplainSettings,
    ProtectSettings,
    Settings,
    TrainSettings,
    VerifySettings,
    default_text,
    takes,
    to_toml,
)

SETTINGS: dict[str, type[Settings]] = {
    "protect": ProtectSettings,
    "train": TrainSettings,
    "verify": VerifySettings,
    "benchmark": BenchmarkSettings,
    "explain": ExplainSettings,
}
VALUES = {
    "protect": {
        "captions": "c.jsonl", "output": "o", "method": "em", "surrogate": ["a", "b"], "epsilon": 5,
        "look": "film", "names": "initials", "name": ["Ada Cox", "Mia"], "words": "w", "preset": "strong",
        "format": "webp", "platform": "x", "keep_metadata": "all", "opt_out": True, "keep_fields": ["alt", "place"],
        "seed": 12, "device": "cpu", "only": ["2024/*", "*.jpg"], "skip": ["a", "b"],
    },
    "train": {
        "data": ["x", "y"], "captions": ["a", "b"], "test_fraction": 0.3, "model": "m", "output": "o", "epochs": 3,
        "lr": 0.5, "batch_size": 7, "one_caption": True, "seed": 8, "device": "cpu", "from_scratch": False,
    },
    "verify": {
        "captions": "c.jsonl", "test": "t", "test_fraction": 0.3, "background": "b", "crowd": "k", "crowd_test": "l",
        "leaked": 0.25, "victims": ["a", "b"], "from_scratch": True, "epochs": 3, "lr": 0.5, "suite": "quick",
        "through": ["png", "blur-1"], "attackers": ["plain", "cutout"], "ablations": True, "seeds": [4, 5],
        "require": ["hit10<=10"], "output": "o", "seed": 8, "device": "cpu",
    },
    "benchmark": {
        "dataset": "coco", "data": "d", "methods": ["em", "mem-4"], "surrogate": "s", "victims": ["a", "b"],
        "fractions": [1.0, 0.25], "through": ["png", "blur-1"], "seeds": [4, 5], "scale": "paper", "limit": 9,
        "output": "o", "device": "cpu",
    },
    "explain": {
        "caption": "a dog", "trigger": "one two", "model": ["a", "b"], "map": ["x", "y"], "output": "o", "seed": 8,
        "device": "cpu",
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


@pytest.fixture
def here(tmp_path):
    (tmp_path / "p").mkdir()
    return tmp_path


@pytest.mark.parametrize("commas", [True, False])
@pytest.mark.parametrize("name", SETTINGS)
def test_every_option_reaches_the_settings(here, monkeypatch, name, commas):
    values, arguments = VALUES[name], ARGUMENTS.get(name, {})
    options = set(inspect.signature(COMMANDS[name]).parameters) & set(SETTINGS[name].model_fields)
    assert options == {*values, *arguments}
    settings = settings_of(name, *arguments.values(), *flags(values, commas=commas), cwd=here)
    given = settings.model_dump(mode="json")
    assert {setting: given[setting] for setting in (*values, *arguments)} == {**values, **arguments}
    (here / "run.toml").write_text(to_toml(settings))
    again = settings_of(name, *(arguments.values() if name == "protect" else ()), "--config", "run.toml", cwd=here)
    assert again == settings


@pytest.mark.parametrize("given", [["--seed", "7,8"], ["--seed", "7", "--seeds", "8"], ["--seeds", "7", "--seed", "8"]])
def test_the_seed_of_a_benchmark_is_one_of_its_seeds(given):
    assert settings_of("benchmark", "--dataset", "pubfig", *given).seeds == (7, 8)


def test_no_flag_of_a_command_stands_for_two_options():
    for name, command in typer.main.get_group(app).commands.items():
        flags = [flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)]
        assert len(set(flags)) == len(flags), name


@pytest.mark.parametrize("name", SETTINGS)
def test_a_help_text_says_what_the_setting_says_of_itself(name):
    kind = SETTINGS[name]
    parameters: list[Any] = list(typer.main.get_group(app).commands[name].params)
    for parameter in parameters:
        if parameter.name not in kind.model_fields:
            continue
        text, field = render(parameter.help).plain, kind.model_fields[parameter.name]
        shown = default_text(kind, parameter.name)
        assert text.startswith(field.description)
        option = parameter.param_type_name == "option"
        assert ("Repeatable" in text) == (takes(kind, parameter.name, tuple) and option)
        if field.is_required() and not shown:
            assert text.endswith("(required)")
        elif parameter.secondary_opts and field.default is not None:
            assert text.endswith(f"(default: {(parameter.secondary_opts, parameter.opts)[field.default][0]})")
        else:
            assert f"(default: {shown}" in text or not shown


def test_the_help_of_protect_is_short_and_what_one_needs_first_stands_first():
    lines = call("protect", "--help", env={"COLUMNS": "80"}).stdout.splitlines()
    assert len(lines) <= 80
    assert max(map(len, lines)) <= 80
    options: list[Any] = [
        p for p in typer.main.get_group(app).commands["protect"].params if p.param_type_name == "option"
    ]
    assert list(dict.fromkeys(p.rich_help_panel for p in options)) == ["What to protect", "How", "Output", "More"]
    assert [p.name for p in options][:5] == ["captions", "only", "skip", "preset", "look"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_ends_with_the_panel_of_what_one_seldom_needs(name):
    result = call(name, "--help", env={"COLUMNS": "80"})
    assert result.returncode == 0
    last = result.stdout.rpartition("╭─ ")[2]
    assert last.startswith("More")
    assert all(option in last for option in ("--json", "--help"))


def test_a_path_with_a_comma_stays_whole_where_it_exists(here):
    (here / "me, you").mkdir()
    (here / "me, you" / "a,b.safetensors").touch()
    given = "small,me, you/a,b.safetensors,RN50:openai,"
    wanted = ("small", "me, you/a,b.safetensors", "RN50:openai")
    assert settings_of("protect", "p", "--surrogate", given, cwd=here).surrogate == wanted
    assert settings_of("protect", "p", cwd=here, env={"UNLEARNABLE_SURROGATE": given}).surrogate == wanted
    data = settings_of("train", "--data", "me, you", "--data", "x,y", cwd=here).data
    assert data == (Path("me, you"), Path("x"), Path("y"))


@pytest.mark.parametrize("given", ["", " , "])
@pytest.mark.parametrize("flag", ["--seeds", "--require"])
def test_a_list_without_a_value_is_refused(flag, given):
    result = call("verify", "p", "q", flag, given)
    assert result.returncode == 2
    assert f"{flag} was given an empty value" in result.stderr


@pytest.mark.parametrize(
    ("command", "flag", "given"),
    [
        ("protect", "--epsilon", "8/255"),
        ("verify", "--test-fraction", "20%"),
        ("benchmark", "--fractions", "1.0,half"),
        ("protect", "--captions", ""),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_option(command, flag, given):
    result = call(command, flag, given, *ARGUMENTS.get(command, {}).values(), env={"UNLEARNABLE_DATASET": "coco"})
    assert result.returncode == 2
    error, hint = result.stderr.splitlines()
    assert error.startswith(f"error: {flag}: ")
    assert hint.startswith("hint: ")


def test_a_value_of_a_variable_that_does_not_fit_is_named_with_the_variable(here):
    for name, given in (("preset", "slow"), ("opt_out", "maybe")):
        variable = f"UNLEARNABLE_{name.upper()}"
        result = call("protect", "p", cwd=here, env={variable: given})
        assert result.returncode == 2
        assert f"(got {given!r} from {variable})" in result.stderr


@pytest.mark.parametrize(
    ("name", "setting", "hint"),
    [
        ("protect", "PHOTOS", "give PHOTOS or set UNLEARNABLE_PHOTOS"),
        ("train", "--data", "give --data"),
        ("explain", "--model", "give --model or set UNLEARNABLE_MODEL"),
    ],
)
def test_what_is_required_is_asked_for(name, setting, hint):
    result = call(name)
    assert result.returncode == 2
    assert result.stderr.splitlines() == [f"error: {setting} is not given", f"hint: {hint}"]


def test_photos_come_from_a_variable_too(here):
    assert settings_of("protect", cwd=here, env={"UNLEARNABLE_PHOTOS": "p"}).photos == (Path("p"),)


def test_an_unknown_variable_is_said(here):
    misspelt = {"UNLEARNABLE_EPSILO": "4", "UNLEARNABLE_TRAIN_DATA": "d", "UNLEARNABLE_XYZQJ": "1"}
    right = {"UNLEARNABLE_SEED": "1", "UNLEARNABLE_DATA": str(here), "UNLEARNABLE_DEBUG": "1"}
    result = call("protect", "p", "--surrogate", "none.pt", cwd=here, env=misspelt | right)
    assert [line for line in result.stderr.splitlines() if line.startswith("warning: unknown")] == [
        "warning: unknown environment variable UNLEARNABLE_EPSILO: did you mean UNLEARNABLE_EPSILON?",
        "warning: unknown environment variable UNLEARNABLE_TRAIN_DATA: docs/reference/cli.md lists all",
        "warning: unknown environment variable UNLEARNABLE_XYZQJ: docs/reference/cli.md lists all",
    ]
