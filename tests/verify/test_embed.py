"""Features are those of a model at rest, and finite."""

from __future__ import annotations

import pytest
import torch

from unlearnable.errors import ModelError
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.data import Pairs
from unlearnable.training.retrieval import embed, embed_texts


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


def test_each_caption_has_the_features_of_its_own_photo_in_whatever_batches(tiny, pairs, monkeypatch):
    monkeypatch.setattr("unlearnable.training.retrieval.BATCH", 2)
    chosen = torch.tensor([7, 2, 9, 2, 0, 5])
    some = Pairs(pairs.pixels, pairs.photos[chosen], pairs.tokens[chosen])
    images, texts, owners = embed(tiny, some)
    assert len(images) == 5
    for row, number in enumerate(chosen.tolist()):
        image, text, _ = embed(tiny, Pairs(pairs.pixels, pairs.photos[[number]], pairs.tokens[[number]]))
        torch.testing.assert_close(images[owners[row]], image[0])
        torch.testing.assert_close(texts[row], text[0])
