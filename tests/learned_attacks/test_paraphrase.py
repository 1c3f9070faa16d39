"""Captions written anew by a language model, here by one that is not installed, and by a stand-in."""

from __future__ import annotations

import pytest
import torch

from unlearnable.errors import ConfigError
from unlearnable.models import judge
from unlearnable.verify.attacks import catalogue, paraphrase, parse_attack


class Tokenizer:
    """A token for each letter."""

    eos_token_id = 0

    def __call__(self, text, return_tensors):
        return {"input_ids": torch.tensor([[ord(letter) for letter in text]])}

    def decode(self, ids, skip_special_tokens):
        return "".join(chr(one) for one in ids.tolist() if one)


class Model:
    """Continues the prompt by its last caption in capitals."""

    def __init__(self):
        self.asked = []

    def generate(self, input_ids, do_sample, max_new_tokens, stop_strings, tokenizer, pad_token_id):
        prompt = tokenizer.decode(input_ids[0], True)
        self.asked.append(prompt)
        caption = prompt.splitlines()[-2].removeprefix("Caption: ")
        answer = "" if caption == "silence" else f" {caption.upper()}\n"
        return torch.tensor([[*input_ids[0].tolist(), *map(ord, answer), pad_token_id]])


@pytest.fixture
def model(monkeypatch):
    found = Model()
    monkeypatch.setattr(judge, "installed", lambda: True)
    monkeypatch.setattr(paraphrase, "_model", lambda: (found, Tokenizer()))
    paraphrase.paraphrase.cache_clear()
    yield found
    paraphrase.paraphrase.cache_clear()


def test_without_the_extra_it_says_so_at_once(monkeypatch):
    monkeypatch.setattr(judge, "PACKAGE", "no_such_package")
    assert "paraphrase" in catalogue()
    with pytest.raises(ConfigError, match=r"paraphrase: the language model .* is not installed") as caught:
        parse_attack("paraphrase+jpeg-75")
    assert caught.value.hint == judge.HINT
    assert "&&" not in judge.HINT, "Windows PowerShell 5 has no such sign"


def test_the_answer_is_the_caption_and_is_asked_for_once(model):
    attack = parse_attack("paraphrase")
    assert [attack.caption("my  new\nbike") for _ in range(3)] == ["MY NEW BIKE"] * 3
    assert len(model.asked) == 1
    assert model.asked[0].endswith("\n\nCaption: my new bike\nAgain:")


def test_where_there_is_nothing_to_say_the_caption_stays(model):
    attack = parse_attack("paraphrase")
    assert [attack.caption(text) for text in ("silence", " ", "")] == ["silence", " ", ""]
    assert len(model.asked) == 1
