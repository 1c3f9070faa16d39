from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.evaluation import retrieval
from unlearnable.evaluation.retrieval import hit, medr, rank


def brute(images, texts, owner):
    """Ranks by sorting, one query at a time; of equal scores the others come first."""
    scores = (images @ texts.T).tolist()
    text_ranks = []
    for caption, photo in enumerate(owner.tolist()):
        others = [row[caption] for n, row in enumerate(scores) if n != photo]
        text_ranks.append(1 + sum(score >= scores[photo][caption] for score in others))
    image_ranks = []
    for photo, row in enumerate(scores):
        best = max(score for score, n in zip(row, owner.tolist(), strict=True) if n == photo)
        image_ranks.append(1 + sum(s >= best for s, n in zip(row, owner.tolist(), strict=True) if n != photo))
    return image_ranks, text_ranks


@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 10**6), st.sampled_from([1, 3, 1024]))
def test_ranks_equal_a_brute_force_count_also_with_ties_and_chunks(photos, captions, seed, chunk):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(-1, 2, (photos, 3), generator=generator).float()  # small whole numbers: many ties
    texts = torch.randint(-1, 2, (photos * captions, 3), generator=generator).float()
    owner = torch.arange(photos).repeat_interleave(captions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "CHUNK", chunk)
        ranks = rank(images, texts, owner)
    image_ranks, text_ranks = brute(images, texts, owner)
    assert ranks.image_to_text.tolist() == image_ranks
    assert ranks.text_to_image.tolist() == text_ranks


def test_a_model_that_says_nothing_gets_the_last_rank():
    ranks = rank(torch.ones(4, 2), torch.ones(4, 2), torch.arange(4))
    assert ranks.image_to_text.tolist() == ranks.text_to_image.tolist() == [4] * 4


def test_hit_and_medr():
    ranks = torch.tensor([1, 10, 11, 200])
    assert hit(ranks, 10) == 50.0
    assert medr(ranks) == 10.5
    assert medr(torch.tensor([7])) == 7


def test_features_that_are_not_numbers_are_an_error():
    with pytest.raises(ValueError, match="finite"):
        rank(torch.tensor([[float("nan")]]), torch.ones(1, 1), torch.tensor([0]))
