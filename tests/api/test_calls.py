"""A public call hands its settings and switches to the workflow of its command, as the command line does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_group

import unlearnable
from unlearnable import Silent
from unlearnable.cli.app import app

WORKFLOWS = {
    "protect": "unlearnable.protect.run",
    "train": "unlearnable.training.train",
    "verify": "unlearnable.verify.run",
    "benchmark": "unlearnable.benchmark.run",
    "explain": "unlearnable.explain.run",
}
PROGRESS = Silent()


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    """Settings and switches that workflows were called with; none of them runs."""
    calls: list[tuple[Any, dict[str, Any]]] = []

    def record(settings: Any, **switches: Any) -> str:
        calls.append((settings, switches))
        return "report"

    for name, module in WORKFLOWS.items():
        monkeypatch.setattr(import_module(module), name, record)
    return calls


@pytest.mark.parametrize(
    ("name", "arguments", "options", "wanted"),
    [
        ("protect", ["a"], {"epsilon": 4}, {"photos": (Path("a"),), "epsilon": 4, "seed": 7}),
        ("train", ["a"], {"epochs": 2}, {"data": (Path("a"),), "epochs": 2, "seed": 7}),
        ("train", [["a", Path("b")]], {}, {"data": (Path("a"), Path("b")), "epochs": None}),
        ("verify", ["a", Path("b")], {"lr": 0.1}, {"originals": Path("a"), "protected": Path("b"), "lr": 0.1}),
        ("benchmark", ["coco"], {"scale": "tiny"}, {"dataset": "coco", "scale": "tiny", "device": "auto"}),
        ("explain", ["a"], {"model": ("m",)}, {"photo": Path("a"), "model": ("m",), "seed": 7}),
        ("explain", [], {"model": ("m",)}, {"photo": None}),
        ("protect", ["a"], {"surrogate": "small"}, {"surrogate": ("small",)}),
        ("protect", ["a"], {"surrogate": Path("m")}, {"surrogate": ("m",)}),
        ("train", ["a"], {"model": Path("m")}, {"model": "m"}),
        ("verify", ["a", "b"], {"victims": ["small", Path("m")]}, {"victims": ("small", "m")}),
        ("train", ["a"], {"captions": Path("c")}, {"captions": (Path("c"),)}),
        ("verify", ["a", "b"], {"victims": "small", "seeds": 1}, {"victims": ("small",), "seeds": (1,)}),
        ("benchmark", ["coco"], {"fractions": 0.5, "methods": ["em"]}, {"fractions": (0.5,), "methods": ("em",)}),
        ("explain", [], {"model": "m", "map": "c"}, {"model": ("m",), "map": (Path("c"),)}),
    ],
)
def test_options_become_settings_and_switches_are_passed_on(received, name, arguments, options, wanted, tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("" if name == "benchmark" else "seed = 7\n")
    named = {"benchmark": ["resume"], "verify": ["overwrite"], "explain": ["overwrite"]}
    switches = dict.fromkeys(named.get(name, ["resume", "overwrite"]), True)
    call = getattr(unlearnable, name)
    assert call(*arguments, config=str(file), progress=PROGRESS, **switches, **options) == "report"
    ((settings, passed),) = received
    assert type(settings) is getattr(unlearnable, f"{name.capitalize()}Settings")
    assert {key: getattr(settings, key) for key in wanted} == wanted
    told = passed.pop("progress")
    assert told is PROGRESS
    assert passed == switches


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("protect", [""]), ("train", [["a", ""]]), ("verify", ["", "b"]), ("verify", ["a", ""]), ("explain", [""]),
     ("preview", ["", "b"]), ("preview", ["a", "b", ""])],
)  # fmt: skip
def test_an_empty_path_is_a_config_error(received, name, arguments):
    with pytest.raises(unlearnable.ConfigError, match="an empty path"):
        getattr(unlearnable, name)(*arguments)
    assert received == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_setting_that_does_not_exist_is_a_config_error(received, name):
    arguments = ["a", "b"] if name == "verify" else ["a"]
    with pytest.raises(unlearnable.ConfigError, match="no setting 'epsilonn' in the call"):
        getattr(unlearnable, name)(*arguments, epsilonn=4)
    assert received == []


def options_of_another_name(command):
    """Option and setting of a command wherever they have not the same name."""
    settings = getattr(unlearnable, f"{command.capitalize()}Settings").model_fields
    given = [(one.opts[0], one.name) for one in get_group(app).commands[command].params if one.name in settings]
    pairs = {option[2:].replace("-", "_"): setting for option, setting in given if option.startswith("--")}
    return {option: setting for option, setting in pairs.items() if option != setting}


def test_the_name_of_an_option_proposes_the_setting_that_it_gives():
    pairs = {(command, *pair) for command in WORKFLOWS for pair in options_of_another_name(command).items()}
    assert ("protect", "for", "platform") in pairs
    for command, option, setting in pairs:
        with pytest.raises(unlearnable.ConfigError, match=f"no setting '{option}' in the call") as caught:
            getattr(unlearnable, command)("a", *["b"] * (command == "verify"), **{option: "web"})
        assert caught.value.hint == f"did you mean '{setting}'?"


def test_the_name_of_an_option_that_turns_a_setting_off_proposes_that():
    with pytest.raises(unlearnable.ConfigError, match="no setting 'all_captions' in the call") as caught:
        unlearnable.train("a", all_captions=True)
    assert caught.value.hint == "did you mean 'one_caption=False'?"


def test_no_surrogate_is_a_config_error(received):
    with pytest.raises(unlearnable.ConfigError, match="surrogate"):
        unlearnable.protect("a", surrogate=[])
    with pytest.raises(unlearnable.ConfigError, match="surrogate"):
        unlearnable.ImageProtector(surrogate=())
    assert received == []


@pytest.mark.parametrize("config", [{}, 3])
@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_is_no_path_is_a_config_error(received, name, config):
    arguments = ["a", "b"] if name == "verify" else ["a"]
    for call in (lambda: getattr(unlearnable, name)(*arguments, config=config), lambda: unlearnable.preview(None, "b")):
        with pytest.raises(unlearnable.ConfigError, match="is not a path"):
            call()
    assert received == []


@pytest.mark.parametrize("progress", [3, print, {}, Silent])
def test_what_cannot_be_told_of_progress_is_a_config_error(received, progress):
    calls = (lambda: unlearnable.protect("a", progress=progress), lambda: unlearnable.ImageProtector(progress=progress))
    for call in calls:
        with pytest.raises(unlearnable.ConfigError, match="progress: "):
            call()
    assert received == []
