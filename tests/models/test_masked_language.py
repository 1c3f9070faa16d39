from __future__ import annotations

import pytest
import torch

from unlearnable.errors import ModelError
from unlearnable.models import tokens
from unlearnable.models.tokens import masked_language_model, mlm_intact, mlm_words, surprises


def test_words_that_nobody_expects_surprise():
    nats = surprises(["turbine", "compound", "a", "dog", "runs", "on", "the", "grass"])
    assert min(nats[:2]) > 8 > max(nats[2:])


def test_a_word_is_read_from_all_others():
    model, tokenizer = masked_language_model()
    ids = tokenizer("a dog runs", return_tensors="pt")["input_ids"]
    masked = ids.clone()
    masked[0, 2] = tokenizer.mask_token_id
    expected = -torch.log_softmax(model(input_ids=masked).logits[0, 2], dim=-1)[ids[0, 2]].item()
    assert surprises(["a", "dog", "runs"])[1] == pytest.approx(expected, rel=1e-4)


def test_of_a_word_of_several_tokens_the_least_likely_counts():
    assert surprises(["a", "dog.!"])[1] == pytest.approx(max(surprises(["a", "dog", ".", "!"])[1:]), rel=1e-4)


def test_there_may_be_no_words_or_too_many():
    assert surprises([]) == []
    assert surprises(["dog"] * 200)[150:] == [0.0] * 50


def test_a_damaged_model_is_told(monkeypatch, tmp_path):
    assert mlm_intact()
    assert "dog" in mlm_words()
    monkeypatch.setattr(tokens, "MLM_WEIGHTS", tmp_path / "model.safetensors")
    masked_language_model.cache_clear()
    with pytest.raises(ModelError):
        masked_language_model()
