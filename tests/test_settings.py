from __future__ import annotations

import itertools
import os
import re
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from unlearnable.errors import ConfigError
from unlearnable.settings import (
    PRESETS,
    BenchmarkSettings,
    ExplainSettings,
    ProtectSettings,
    TrainSettings,
    VerifySettings,
    digest,
    resolve_as,
    to_toml,
)

KINDS = (ProtectSettings, TrainSettings, VerifySettings, BenchmarkSettings, ExplainSettings)


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_says_what_it_is_in_a_sentence(kind):
    for name, field in kind.model_fields.items():
        assert re.fullmatch(r"[A-Z].{10,}\.", field.description or ""), name
    assert kind.without_variable <= kind.model_fields.keys()


def test_flags_beat_environment_beats_file_beats_preset_beats_default(tmp_path, monkeypatch):
    file = tmp_path / "run.toml"
    file.write_text('preset = "strong"\nepsilon = 4\nlook = "film"\nseed = 3\n')
    monkeypatch.setenv("UNLEARNABLE_EPSILON", "5")
    monkeypatch.setenv("UNLEARNABLE_SEED", "9")
    settings = resolve_as(ProtectSettings, {"photos": Path("p"), "epsilon": 6, "look": None}, file)
    assert (settings.epsilon, settings.seed, settings.look) == (6, 9, "film")
    assert settings.hyperparameters == replace(PRESETS["strong"], epsilon=6, look="film")


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(PRESETS, 2)))
def test_another_preset_than_that_of_a_stored_run_takes_its_place_and_leaves_what_was_chosen_besides(
    tmp_path, before, after
):
    chosen = {"photos": Path("p"), "epsilon": 6}
    file = tmp_path / "run.toml"
    file.write_text(to_toml(resolve_as(ProtectSettings, {"preset": before, **chosen})))
    settings = resolve_as(ProtectSettings, {"preset": after}, file)
    assert settings == resolve_as(ProtectSettings, {"preset": after, **chosen})
    assert resolve_as(ProtectSettings, {}, file) == resolve_as(ProtectSettings, {"preset": before}, file)


def test_the_environment_gives_lists_that_may_be_left_out_but_not_the_folder_of_one_data_set(monkeypatch):
    monkeypatch.setenv("UNLEARNABLE_METHODS", "clean,mem-3")
    monkeypatch.setenv("UNLEARNABLE_FRACTIONS", "1.0,0.5")
    monkeypatch.setenv("UNLEARNABLE_DATA", "sets")
    settings = resolve_as(BenchmarkSettings, {"dataset": "flickr8k"})
    assert (settings.methods, settings.fractions, settings.data) == (("clean", "mem-3"), (1.0, 0.5), None)
    assert resolve_as(TrainSettings, {"data": (Path("mine"),)}).data == (Path("mine"),)


def made(kind: type[BaseModel], **values: Any) -> Any:
    """Settings of values that their fields convert, which the declared types do not name."""
    return kind(**values)


def test_one_value_stands_for_a_list_of_one_in_python_and_in_toml(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text('surrogate = "RN50:openai"')
    assert resolve_as(ProtectSettings, {"photos": "p"}, file).surrogate == ("RN50:openai",)
    assert resolve_as(ProtectSettings, {"photos": "p", "surrogate": "a,b"}).surrogate == ("a,b",)
    file.write_text('victims = "small"\nthrough = "jpeg-75"\nrequire = "hit10<=10"\nseeds = 3')
    settings = resolve_as(VerifySettings, {"originals": "p", "protected": "q"}, file)
    assert (settings.victims, settings.through) == (("small",), ("jpeg-75",))
    assert (settings.require, settings.seeds) == (("hit10<=10",), (3,))
    benchmark = made(BenchmarkSettings, dataset="coco", methods="mem-3", victims="small", fractions=0.5)
    assert (benchmark.methods, benchmark.victims, benchmark.fractions) == (("mem-3",), ("small",), (0.5,))
    assert made(TrainSettings, data=Path("d"), captions="c").model_dump(include={"data", "captions"}) == {
        "data": (Path("d"),), "captions": (Path("c"),),
    }  # fmt: skip
    assert made(ExplainSettings, model="small", map="m").map == (Path("m"),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epsilom": 3}, "no setting 'epsilom'"),
        ({"epsilon": True}, "`epsilon`: a number is needed"),
        ({"epsilon": [False]}, "`epsilon`: a number is needed"),
        ({"seed": 10**5000}, "`seed`: the number is too large"),
        ({"epsilon": 2**70}, "`epsilon`: the number is too large"),
        ({"preset": "slow"}, "preset"),
        ({"output": ""}, "`output`: an empty path"),
        ({"photos": ["a", ""]}, "`photos`: an empty path"),
        ({"photos": 3}, "`photos`: "),
        ({"photos": []}, "`photos`: "),
        ({"photos": {}}, "`photos`: "),
        ({"method": 3}, "`method`: "),
    ],
)
def test_a_wrong_setting_is_named(given, message):
    with pytest.raises(ConfigError, match=message):
        resolve_as(ProtectSettings, {"photos": "p", **given})


@pytest.mark.parametrize(
    ("text", "message"), [("epsilom = 3", r"no setting 'epsilom' in .*run\.toml"), ("epsilon = ", "is not TOML")]
)
def test_a_wrong_file_of_settings_is_named(tmp_path, text, message):
    file = tmp_path / "run.toml"
    with pytest.raises(ConfigError, match="cannot read"):
        resolve_as(ProtectSettings, {"photos": "p"}, file)
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        resolve_as(ProtectSettings, {"photos": "p"}, file)
    file.write_bytes(b"\xef\xbb\xbfepsilon = 4\r\n")  # as Notepad writes it
    assert resolve_as(ProtectSettings, {"photos": "p"}, file).epsilon == 4


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("call", r"^`epsilon`: needs to be .* \(got 0\)$"),
        ("variable", r"^epsilon: needs to be .* \(got '0' from UNLEARNABLE_EPSILON\)$"),
        ("file", r"^epsilon: needs to be .* \(got 0 from .*run\.toml\)$"),
    ],
)
def test_a_wrong_value_is_reported_with_its_source_and_what_the_setting_is(tmp_path, monkeypatch, source, text):
    file = tmp_path / "run.toml"
    file.write_text("epsilon = 0" if source == "file" else "")
    if source == "variable":
        monkeypatch.setenv("UNLEARNABLE_EPSILON", "0")
    with pytest.raises(ConfigError, match=text) as caught:
        resolve_as(ProtectSettings, {"photos": "p"} | ({"epsilon": 0} if source == "call" else {}), file)
    assert caught.value.hint == ProtectSettings.model_fields["epsilon"].description


def test_settings_that_do_not_go_together_are_named_without_a_source():
    flags = {"originals": "p", "protected": "q", "leaked": 0.3}
    with pytest.raises(ConfigError, match=r"`leaked` need other people's posts, `crowd`$"):
        resolve_as(VerifySettings, flags)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")), st.integers(1, 64), st.booleans())
def test_settings_survive_toml(name, epsilon, opt_out):
    settings = ProtectSettings(
        photos=(Path("a") / (name or "x"),), epsilon=epsilon, opt_out=opt_out, surrogate=("a", name)
    )
    assert ProtectSettings(**tomllib.loads(to_toml(settings))) == settings


def test_the_digest_depends_on_what_the_result_depends_on():
    base = ProtectSettings(photos=(Path("p"),))
    assert digest(base) == digest(base.model_copy(update={"photos": (Path("q"),), "output": Path("o")}))
    assert digest(base) == digest(base.model_copy(update={"device": "cpu"}))
    for change in ({"seed": 1}, {"epsilon": 4}, {"format": "webp"}, {"surrogate": ("x",)}, {"look": "film"}):
        assert digest(base) != digest(base.model_copy(update=change))


def test_settings_that_were_saved_are_read():
    saved = Path(__file__).parent / "golden" / "run.toml"
    settings = resolve_as(ProtectSettings, {}, saved)
    assert (settings.preset, settings.seed, settings.epsilon) == ("strong", 3, 4)
    assert settings == resolve_as(ProtectSettings, tomllib.loads(saved.read_text()))


def test_victims_that_would_look_alike_are_refused():
    folders = {"originals": Path("p"), "protected": Path("q")}
    alike = ("runs/one/victim.safetensors", "runs/two/victim.safetensors")
    with pytest.raises(ConfigError, match=r"`victims`: runs/one/victim\.safetensors and runs/two/.* look alike"):
        resolve_as(VerifySettings, {**folders, "victims": alike})
    with pytest.raises(ConfigError, match="look alike"):
        resolve_as(VerifySettings, {**folders, "victims": ("victim.safetensors", alike[0])})  # one is in this folder
    assert resolve_as(VerifySettings, {**folders, "victims": (alike[0], alike[0], "small")}).victims[2] == "small"


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are always UTF-8 elsewhere")
def test_a_folder_whose_name_is_no_utf8_is_found_by_a_stored_file(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    file = tmp_path / "run.toml"
    file.write_text(to_toml(ProtectSettings(photos=(folder,), captions=folder)), encoding="utf-8")
    read = resolve_as(ProtectSettings, {}, file)
    assert (read.photos, read.captions) == ((folder,), folder)
    spelt = tmp_path / "caf\\udce9"  # a folder that is called so comes first
    spelt.mkdir()
    assert resolve_as(ProtectSettings, {}, file).photos == (spelt,)


def test_the_home_folder_is_meant_where_the_shell_left_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("UNLEARNABLE_CAPTIONS", "~/posts.jsonl")
    monkeypatch.chdir(tmp_path)
    photos = (Path("~/my pics"), Path("~none/a"))
    settings = resolve_as(ProtectSettings, {"photos": photos, "output": "~"})
    assert settings.photos == (tmp_path / "my pics", Path("~none/a"))
    assert (settings.output, settings.captions) == (tmp_path, tmp_path / "posts.jsonl")
    (tmp_path / "~").mkdir()  # one that is called so
    assert resolve_as(ProtectSettings, {"photos": photos, "output": "~"}).output == Path("~")
