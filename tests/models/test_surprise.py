"""How little a masked language model expects each word."""

from __future__ import annotations

import pytest
import torch

from unlearnable.models.masked_language import SMALL_MLM, pretrained
from unlearnable.models.surprise import surprises


@pytest.fixture(scope="module")
def bundled():
    return pretrained(SMALL_MLM)


def read(bundled, words):
    model, tokenizer = bundled
    return surprises(model, tokenizer, words)


def test_a_word_is_read_from_all_others(bundled):
    model, tokenizer = bundled
    ids = tokenizer("a dog runs", return_tensors="pt")["input_ids"]
    masked = ids.clone()
    masked[0, 2] = tokenizer.mask_token_id
    expected = -torch.log_softmax(model(input_ids=masked).logits[0, 2], dim=-1)[ids[0, 2]].item()
    found = surprises(model, tokenizer, ["a", "dog", "runs"])
    assert found[1] == pytest.approx(expected, rel=1e-4)
    assert all(value > 0 for value in found)


def test_of_a_word_of_several_tokens_the_least_likely_counts(bundled):
    parts = read(bundled, ["a", "dog", ".", "!"])
    assert read(bundled, ["a", "dog.!"])[1] == pytest.approx(max(parts[1:]), rel=1e-4)


def test_what_is_not_read_surprises_nobody(bundled):
    assert read(bundled, []) == []
    assert read(bundled, ["\u200b"]) == [0.0]
    found = read(bundled, ["dog"] * 200)
    assert [value > 0 for value in found] == [True] * 94 + [False] * 106
