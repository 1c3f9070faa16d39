from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnable import config
from unlearnable.config import PRESETS, BenchmarkSettings, ProtectSettings, resolve_as
from unlearnable.errors import ConfigError


def test_flags_beat_environment_beats_file_beats_preset_beats_default(tmp_path, monkeypatch):
    file = tmp_path / "run.toml"
    file.write_text('preset = "strong"\nepsilon = 4\nquality = 80\nseed = 3\n')
    monkeypatch.setenv("UNLEARNABLE_EPSILON", "5")
    monkeypatch.setenv("UNLEARNABLE_SEED", "9")
    settings = resolve_as(ProtectSettings, {"photos": Path("p"), "epsilon": 6, "quality": None}, file)
    assert (settings.epsilon, settings.seed, settings.quality) == (6, 9, 80)
    assert settings.adversarial_weight == PRESETS["strong"]["adversarial_weight"] > 0
    assert settings.noise_steps == ProtectSettings.model_fields["noise_steps"].default


def test_the_environment_may_name_several_surrogates(monkeypatch):
    monkeypatch.setenv("UNLEARNABLE_SURROGATE", "small,RN50:openai")
    assert resolve_as(ProtectSettings, {"photos": Path("p")}).surrogate == ("small", "RN50:openai")


def test_the_environment_gives_lists_that_may_be_left_out_but_not_the_folder_of_one_data_set(monkeypatch):
    monkeypatch.setenv("UNLEARNABLE_METHODS", "clean,mem-3")
    monkeypatch.setenv("UNLEARNABLE_FRACTIONS", "1.0,0.5")
    monkeypatch.setenv("UNLEARNABLE_DATA", "sets")
    settings = resolve_as(BenchmarkSettings, {"dataset": "flickr8k"})
    assert (settings.methods, settings.fractions, settings.data) == (("clean", "mem-3"), (1.0, 0.5), None)


def test_triggers_of_a_benchmark_are_as_long_as_a_trigger_may_be():
    assert resolve_as(BenchmarkSettings, {"dataset": "flickr8k", "methods": ("mem-20",)}).methods == ("mem-20",)
    with pytest.raises(ConfigError, match="K from 1 to 20"):
        resolve_as(BenchmarkSettings, {"dataset": "flickr8k", "methods": ("mem-21",)})


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid_and_says_only_what_exists(preset):
    assert resolve_as(ProtectSettings, {"photos": Path("p"), "preset": preset}).preset == preset


@pytest.mark.parametrize(
    ("flags", "text", "message"),
    [
        ({"epsilon": 0}, "", "epsilon: input should be greater"),
        ({"preset": "slow"}, "", "preset"),
        ({"epsilom": 3}, "", "no setting 'epsilom'"),
        ({}, "epsilom = 3", "no setting 'epsilom' in .*run.toml"),
        ({}, "epsilon = ", "is not TOML"),
        ({}, 'epsilon = "many"', "epsilon"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, flags, text, message):
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        resolve_as(ProtectSettings, {"photos": Path("p"), **flags}, file)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        resolve_as(ProtectSettings, {"photos": Path("p")}, tmp_path / "none.toml")


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")), st.integers(1, 64), st.booleans())
def test_settings_survive_toml(name, epsilon, strict):
    settings = ProtectSettings(photos=Path("a") / (name or "x"), epsilon=epsilon, strict=strict, surrogate=("a", name))
    assert ProtectSettings(**tomllib.loads(config.to_toml(settings))) == settings


def test_the_digest_depends_on_what_the_result_depends_on():
    base = ProtectSettings(photos=Path("p"))
    assert config.digest(base) == config.digest(base.model_copy(update={"photos": Path("q"), "output": Path("o")}))
    for change in ({"seed": 1}, {"epsilon": 4}, {"format": "webp"}, {"surrogate": ("x",)}, {"trigger_length": 5}):
        assert config.digest(base) != config.digest(base.model_copy(update=change))
