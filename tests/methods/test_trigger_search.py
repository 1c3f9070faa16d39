from __future__ import annotations

import itertools

import pytest
import torch

from unlearnable.methods.triggers import beam_search, candidates


def test_the_words_of_which_the_loss_falls_most_are_candidates():
    fall = torch.randn(1, 2, 20, generator=torch.Generator().manual_seed(0))
    best = candidates(fall, torch.ones(1, 20, dtype=torch.bool), 5)
    assert best[0, 0].tolist() == fall[0, 0].argsort(descending=True)[:5].tolist()


def test_words_that_are_not_allowed_are_never_candidates():
    allowed = torch.zeros(2, 9, dtype=torch.bool)
    allowed[0, [1, 4, 6]] = True
    allowed[1, :] = True
    best = candidates(torch.zeros(2, 3, 9), allowed, 16)
    assert best.shape == (2, 3, 3)
    assert set(best[0].flatten().tolist()) == {1, 4, 6}


def judge_of(weights):
    """A loss with interactions between positions, so that greedy search can go wrong."""

    def loss(words):
        a, b = words
        return weights[0][a] + weights[1][b] + (3.0 if (a + b) % 2 else 0.0)

    def judge(tried, worth):
        return torch.tensor([[loss(t.tolist()) for t in row] for row in tried])

    return loss, judge


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_best_of_all_triggers(seed):
    weights = torch.rand(2, 6, generator=torch.Generator().manual_seed(seed)).tolist()
    loss, judge = judge_of(weights)
    options = torch.arange(6).repeat(1, 2, 1)
    found, value = beam_search(torch.tensor([[0, 1]]), options, judge, width=36)
    best = min(loss(pair) for pair in itertools.permutations(range(6), 2))
    assert value.item() == pytest.approx(best)
    assert loss(found[0].tolist()) == pytest.approx(best)


def test_the_loss_never_rises_and_no_word_is_used_twice():
    weights = torch.rand(2, 6, generator=torch.Generator().manual_seed(3)).tolist()
    loss, judge = judge_of(weights)
    for start in itertools.permutations(range(6), 2):
        found, value = beam_search(torch.tensor([start]), torch.arange(6).repeat(1, 2, 1), judge, width=1)
        assert value.item() <= loss(start) + 1e-6
        assert len(set(found[0].tolist())) == 2


def test_words_that_are_all_there_already_are_not_judged():
    def judge(tried, worth):
        assert worth.any()
        return torch.zeros(worth.shape)

    found, _ = beam_search(torch.tensor([[0, 1]]), torch.tensor([[[0, 1], [1, 0]]]), judge, width=1)
    assert found.tolist() == [[0, 1]]


def test_what_holds_a_word_twice_is_not_gone_on_with_where_little_is_tried():
    def judge(tried, worth):
        return tried.float().sum(dim=-1)

    found, _ = beam_search(torch.tensor([[9, 8, 7]]), torch.tensor([[[1], [1], [1]]]), judge, width=4)
    assert len(set(found[0].tolist())) == 3


def test_posts_are_judged_apart():
    def judge(tried, worth):
        want = torch.tensor([2, 5])[:, None, None]
        return (tried != want).float().sum(dim=-1)

    found, _ = beam_search(torch.tensor([[0], [0]]), torch.arange(6).repeat(2, 1, 1), judge, width=2)
    assert found.tolist() == [[2], [5]]
