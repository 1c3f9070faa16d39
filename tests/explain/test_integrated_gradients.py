"""Attribution of words: completeness, merging of tokens, the share of the trigger."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnable.explain.attribution import TOLERANCE, integrated_gradients, marked, merge, share_of, split_words
from unlearnable.models.tokens import CONTEXT, tokenizer

CAPTION = "ultrasound compound monitored Grandma's unbelievably photogenic chihuahua!"


def photo(side=32):
    return torch.rand(3, side, side, generator=torch.Generator().manual_seed(2))


def test_the_words_sum_to_the_difference_of_the_scores(tower):
    found = integrated_gradients(tower, photo(tower.image_size), CAPTION)
    assert sum(found.values) == pytest.approx(found.score - found.blank, rel=TOLERANCE)
    assert found.error <= TOLERANCE
    assert found.words == tuple(CAPTION.lower().split())
    assert len(found.values) == len(found.words)
    direct = tower.encode_image(photo(tower.image_size)[None]) @ tower.encode_text(tokenizer()(CAPTION)).T
    assert found.score == pytest.approx(direct.item(), abs=1e-5)


def test_a_word_that_the_model_cannot_see_gets_nothing(tiny):
    deaf = tiny.clone()
    deaf.module.eval()
    word = tokenizer().encode("compound")[0]
    with torch.no_grad():
        deaf.module.token_embedding.weight[word] = deaf.module.token_embedding.weight[0]  # as a blank
    values = dict(zip(*(lambda a: (a.words, a.values))(integrated_gradients(deaf, photo(), CAPTION)), strict=True))
    assert values["compound"] == 0
    assert values["ultrasound"] != 0


def test_tokens_are_those_of_the_tokenizer_and_words_hold_all_of_them():
    split = split_words(CAPTION)
    full = tokenizer()(CAPTION)[0]
    assert split.tokens.tolist() == full[: len(split.tokens)].tolist()
    assert sum(split.counts) == len(split.tokens) - 2
    assert max(split.counts) > 1


@settings(max_examples=40)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_caption_splits_and_fits_the_context(caption):
    split = split_words(caption)
    assert len(split.tokens) <= CONTEXT
    assert len(split.words) == len(split.counts)
    assert sum(split.counts) == len(split.tokens) - 2


def test_merging_sums_the_tokens_of_a_word():
    assert merge(torch.tensor([1.0, 2.0, 3.0, -1.0]), [1, 2, 1]) == [1, 5, -1]


def test_the_share_of_the_trigger():
    words, values = ["one", "two", "a", "dog", "a", "dog"], [0.3, -0.3, 0.1, 0.2, 0.1, 0]
    assert share_of(values, marked(words, "one two")) == pytest.approx(0.6)
    assert share_of(values, marked(words, "A Dog")) == pytest.approx(0.3)  # the first of two places
    assert share_of([0.0] * 6, marked(words, "one two")) is None
    for absent in ("two one", "", "dog one"):
        assert not any(marked(words, absent))
        assert share_of(values, marked(words, absent)) is None
