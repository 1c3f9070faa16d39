"""A public call hands its settings and switches to the workflow of its command, as the command line does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import unlearnable
from unlearnable import Silent

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
        ("protect", ["a"], {"surrogate": Path("m")}, {"surrogate": ("m",)}),
        ("verify", ["a", "b"], {"victims": ["small", Path("m")]}, {"victims": ("small", "m")}),
        ("train", ["a"], {"captions": Path("c")}, {"captions": (Path("c"),)}),
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
    with pytest.raises(unlearnable.ConfigError, match="no setting 'epsilonn'"):
        getattr(unlearnable, name)(*arguments, epsilonn=4)
    assert received == []


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
