"""Features are those of a model at rest, and finite."""

from __future__ import annotations

import pytest
import torch

from unlearnable.errors import ModelError
from unlearnable.evaluation.embed import embed, embed_texts
from unlearnable.models.dual_encoder import DualEncoder


def test_a_model_that_was_just_trained_is_at_rest(tiny, pairs, monkeypatch):
    at_rest = []
    for name, encode in (("encode_image", DualEncoder.encode_image), ("encode_text", DualEncoder.encode_text)):

        def watched(model, given, encode=encode):
            at_rest.append(not model.module.training)
            return encode(model, given)

        monkeypatch.setattr(DualEncoder, name, watched)
    tiny.module.train()
    embed(tiny, pairs)
    tiny.module.train()
    embed_texts(tiny, pairs.tokens)
    assert at_rest == [True] * 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_not_finite_are_those_of_a_damaged_model(tiny, pairs, monkeypatch, value):
    monkeypatch.setattr(DualEncoder, "encode_text", lambda _, tokens: torch.full((len(tokens), 2), value))
    with pytest.raises(ModelError, match="tiny returns features that are not finite"):
        embed(tiny, pairs)
