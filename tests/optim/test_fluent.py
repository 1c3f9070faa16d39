from __future__ import annotations

import itertools

import pytest
import torch

from unlearnable.optim.fluent import fluent_search

WORDS = 6
TABLES = torch.rand(2, WORDS + 1, WORDS, generator=torch.Generator().manual_seed(0))


def nats(trigger):
    """Of a made-up language: each word has a price that depends on the word before."""
    first, second = trigger
    return float(TABLES[0, WORDS, first] + TABLES[1, first, second]) * 4


def offer(first):
    before = first[..., 0] if first.shape[2] else torch.full(first.shape[:2], WORDS)
    costs = TABLES[first.shape[2]][before] * 4
    return torch.arange(WORDS).expand_as(costs), costs


def loss(trigger):
    return float(abs(trigger[0] - 3) + abs(trigger[1] - 1) + (trigger[0] + trigger[1]) % 2)


def judge(tried, worth):
    return torch.tensor([[loss(t.tolist()) for t in row] for row in tried]).reshape(worth.shape)


def search(weight, width, start=(0, 5)):
    words = torch.tensor([start])
    found, cost = fluent_search(words, torch.tensor([nats(start)]), offer, judge, width, weight)
    return tuple(found[0].tolist()), cost.item()


@pytest.mark.parametrize("weight", [0.0, 0.3, 5.0])
def test_a_wide_beam_finds_the_best_of_loss_and_fluency(weight):
    found, cost = search(weight, width=36)
    pairs = itertools.permutations(range(WORDS), 2)
    best = min(loss(pair) + weight * nats(pair) for pair in pairs)
    assert loss(found) + weight * cost == pytest.approx(best, abs=1e-5)
    assert cost == pytest.approx(nats(found), abs=1e-5)


def test_more_weight_means_more_fluent_and_less_loss_means_less():
    costs = [search(weight, width=36)[1] for weight in (0.0, 0.3, 5.0)]
    losses = [loss(search(weight, width=36)[0]) for weight in (0.0, 0.3, 5.0)]
    assert costs == sorted(costs, reverse=True)
    assert losses == sorted(losses)
    assert costs[0] > costs[-1]


@pytest.mark.parametrize("start", list(itertools.permutations(range(WORDS), 2)))
def test_what_is_there_stays_where_nothing_is_better(start):
    found, cost = search(0.3, width=1, start=start)
    assert loss(found) + 0.3 * cost <= loss(start) + 0.3 * nats(start) + 1e-5
    assert len(set(found)) == 2


def test_words_of_infinite_cost_are_never_tried():
    def poor(first):
        words, costs = offer(first)
        return words, costs.masked_fill(words != 4, float("inf"))

    start = torch.tensor([[0, 5]])
    found, cost = fluent_search(start, torch.tensor([7.0]), poor, judge, 2, 0.1)
    assert found.tolist() == [[0, 5]]
    assert cost.item() == 7.0
