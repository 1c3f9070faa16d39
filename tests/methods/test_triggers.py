from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.methods.sessions import measure, started
from unlearnable.errors import ConfigError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.picture import working_copy
from unlearnable.methods.steps import settle
from unlearnable.methods.triggers import candidates, greedy_search, improve_triggers, redraw_trigger
from unlearnable.models.openclip import load
from unlearnable.models.tokens import Vocabulary
from unlearnable.training.data import tokens_of

EXAMPLES = Path(__file__).parents[2] / "examples" / "photos"


def test_the_words_with_the_largest_fall_of_the_loss_are_candidates_if_they_are_allowed():
    fall = torch.randn(1, 2, 20, generator=torch.Generator().manual_seed(0))
    best = candidates(fall, torch.ones(1, 20, dtype=torch.bool), 5)
    assert best[0, 0].tolist() == fall[0, 0].argsort(descending=True)[:5].tolist()
    allowed = torch.zeros(2, 9, dtype=torch.bool)
    allowed[0, [1, 4, 6]] = True
    allowed[1, :] = True
    best = candidates(torch.zeros(2, 3, 9), allowed, 16)
    assert best.shape == (2, 3, 3)
    assert set(best[0].flatten().tolist()) == {1, 4, 6}


def test_the_loss_never_rises_and_no_word_is_used_twice():
    weights = torch.rand(2, 6, generator=torch.Generator().manual_seed(3))

    def judge(tried, asked):  # positions depend on each other
        first, second = tried[..., 0], tried[..., 1]
        return weights[0][first] + weights[1][second] + 3.0 * ((first + second) % 2)

    everyone = torch.ones(1, 1, dtype=torch.bool)
    for start in itertools.permutations(range(6), 2):
        current = torch.tensor([start])
        better = greedy_search(current, torch.arange(6).repeat(1, 2, 1), judge)
        assert judge(better[:, None], everyone) <= judge(current[:, None], everyone) + 1e-6
        assert len(set(better[0].tolist())) == 2


def test_posts_are_judged_apart_and_words_that_are_there_already_are_not_judged():
    def judge(tried, asked):
        assert asked.any()
        return (tried != torch.tensor([2, 5])[:, None, None]).float().sum(dim=-1)

    better = greedy_search(torch.tensor([[0], [0]]), torch.arange(6).repeat(2, 1, 1), judge)
    assert better.tolist() == [[2], [5]]
    same = greedy_search(torch.tensor([[0, 1], [1, 0]]), torch.tensor([[[0, 1], [1, 0]]] * 2), judge)
    assert same.tolist() == [[0, 1], [1, 0]]


def test_the_search_alone_lowers_the_loss_of_real_photos(make_problem, quick):
    photos = [decode(path).pixels for path in sorted(EXAMPLES.rglob("*.jpg"))]
    problem = make_problem(pictures=[working_copy(pixels, 112) for pixels in photos], surrogates=[load("small")])
    session = started("mem", problem, replace(quick, batch_size=len(photos)))
    settle(session.state.models, session.settings.precision)
    before = measure(session).mean()
    assert improve_triggers(session, list(range(len(photos)))) > len(photos) / 2
    assert measure(session).mean() < 0.5 * before


def test_other_words_for_a_post_are_none_that_it_has(make_problem, quick):
    problem = make_problem()
    few = Vocabulary({"en": problem.vocabulary.glosses[:12]})
    session = started("mem", replace(problem, vocabulary=few), quick)
    now = set(session.state.triggers[4].tolist())
    drawn = [set(redraw_trigger(session, quick, 4).tolist()) for _ in range(40)]
    assert not any(now & words for words in drawn)
    assert len(set(map(frozenset, drawn))) > 10


def test_too_few_words_for_a_trigger_are_an_error(make_problem, quick):
    problem = make_problem()
    few = Vocabulary({"en": problem.vocabulary.glosses[:2]})
    with pytest.raises(ConfigError, match="too few words for a trigger"):
        started("mem", replace(problem, vocabulary=few), quick)


def test_a_word_of_several_tokens_counts_as_the_mean_of_its_embeddings(make_problem, quick):
    session = started("mem", make_problem(8), quick)
    vocabulary, (model,) = session.problem.vocabulary, session.state.models
    slots = [own[0] for own in session.problem.posts.slots]
    tokens, places = tokens_of(slots, vocabulary.spell(slots, session.state.triggers))
    shares = vocabulary.shares(slots, session.state.triggers, places, tokens.shape[1])
    means = vocabulary.table("", model.token_table)[session.state.triggers[:, 0]]
    assert torch.allclose((shares @ model.embed(tokens))[:, 0], means)
