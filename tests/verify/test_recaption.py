"""Captions replaced by the nearest ones of other photos."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import CAPTIONS, picture
from unlearnable.training.data import Pixels, pairs_of
from unlearnable.training.retrieval import embed
from unlearnable.verify.attackers import ATTACKERS, captions


@pytest.fixture
def pairs(tmp_path):
    pixels = Pixels.create(tmp_path / "pixels.u8")
    for number in range(5):
        pixels.append(picture(number))
    return pairs_of(pixels, [[f"{CAPTIONS[n]} {m}" for m in range(2)] for n in range(5)])


def test_each_photo_gets_the_most_similar_caption_of_another_one(tiny, pairs, monkeypatch):
    images, texts, owners = embed(tiny, pairs)
    found = ATTACKERS["recaption-nearest"].choose(tiny, pairs)
    assert torch.equal(found.photos, pairs.photos)
    assert found.pixels is pairs.pixels
    for n, photo in enumerate(owners.tolist()):
        cosines = images[photo] @ texts.T
        others = [m for m in range(len(pairs)) if owners[m] != photo]
        best = max(others, key=lambda m: cosines[m])
        assert torch.equal(found.tokens[n], pairs.tokens[best])
    monkeypatch.setattr(captions, "ROWS", 3)
    assert torch.equal(ATTACKERS["recaption-nearest"].choose(tiny, pairs).tokens, found.tokens)
