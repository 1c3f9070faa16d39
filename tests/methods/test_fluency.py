"""Natural triggers, on a made-up language model of a few hundred words."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tests.methods.sessions import finish, measure, started
from unlearnable.methods import METHODS, fluency
from unlearnable.methods.batches import settle
from unlearnable.methods.trigger_search import draw_triggers, improve_triggers
from unlearnable.models.masked_language import load
from unlearnable.models.tokens import natural_vocabulary


@pytest.fixture(scope="module")
def proposer(tiny_mlm):
    return load(str(tiny_mlm), natural_vocabulary())


@pytest.fixture
def natural(make_problem, proposer):
    def make(**options):
        return dataclasses.replace(make_problem(**options), vocabulary=natural_vocabulary(), proposer=proposer)

    return make


def words_of_state(problem, state):
    return [problem.vocabulary.trigger(row).text.split() for row in state.triggers.tolist()]


def numbers(problem, triggers):
    return torch.searchsorted(torch.tensor(problem.vocabulary.ids), triggers)


def mean_cost(problem, state):
    slots = [slots[0] for slots in problem.posts.slots]
    return fluency.cost(problem.proposer, slots, numbers(problem, state.triggers)).mean()


def run(problem, settings, session=None):
    session = session or started("mem", problem, settings)
    return session.state, [done.loss for done in finish("mem", session)]


def test_every_word_is_one_the_model_knows_and_offers(natural, quick, proposer):
    problem = natural()
    state, _ = run(problem, quick.model_copy(update={"proposals": 20}))
    known = proposer.next_word([problem.posts.slots[0][0]], torch.zeros(1, 0, dtype=torch.long), 3)[0].isfinite()
    words = {word for word, ok in zip(problem.vocabulary.words, known.tolist(), strict=True) if ok}
    for trigger, captions in zip(words_of_state(problem, state), problem.captions, strict=True):
        assert set(trigger) <= words
        assert len(set(trigger)) == 3
        assert not set(trigger) & set(" ".join(captions).split()) - problem.vocabulary.common


def test_proposals_bound_the_choice(natural, quick, proposer):
    problem = natural()
    settings = quick.model_copy(update={"proposals": 1, "fluency": 0.0})
    drawn = numbers(problem, draw_triggers(problem, settings, torch.Generator().manual_seed(0)))
    for row, slots, captions in zip(drawn, problem.posts.slots, problem.captions, strict=True):
        allowed = problem.vocabulary.allowed(captions)[None]
        for n in range(3):
            found = fluency.likely(proposer, slots[:1], row[None, :n], allowed, 3)
            assert row[n] == found.argmax()
            allowed[0, row[n]] = False


def test_the_search_lowers_the_loss_and_lambda_trades_it_for_fluency(natural, quick):
    problem = natural()
    alone = tuple(slots[:1] for slots in problem.posts.slots)  # the caption that is searched for is the one measured
    problem = dataclasses.replace(problem, posts=dataclasses.replace(problem.posts, slots=alone))
    outcome = {}
    for weight in (0.0, 10.0):
        settings = quick.model_copy(update={"fluency": weight, "fluent_candidates": 16, "batch_size": 12})
        session = started("mem", problem, settings)
        settle(session.state.models, session.settings.precision)
        before = measure(session).mean(), mean_cost(problem, session.state)
        assert improve_triggers(session, list(range(12))) > 0
        outcome[weight] = before, (measure(session).mean(), mean_cost(problem, session.state))
    (before, after), (_, fluent) = outcome[0.0], outcome[10.0]
    assert after[0] < before[0]
    assert fluent[1] < before[1]
    assert fluent[1] < after[1]


def test_the_cost_is_the_sum_over_words_given_those_before(natural, proposer):
    problem = natural()
    slots = [slots[0] for slots in problem.posts.slots[:2]]
    words = numbers(problem, draw_triggers(problem, settings_of(2), torch.Generator().manual_seed(0)))[:2]
    first = proposer.next_word(slots, words[:, :0], 2).gather(1, words[:, :1])
    second = proposer.next_word(slots, words[:, :1], 2).gather(1, words[:, 1:])
    assert torch.allclose(fluency.cost(proposer, slots, words), -(first + second)[:, 0])


def settings_of(length):
    from unlearnable.config import MEMSettings

    return MEMSettings(trigger_length=length)


def test_user_scope_gives_one_trigger(natural, quick):
    problem = natural()
    state, losses = run(problem, quick.model_copy(update={"trigger_scope": "user"}))
    assert len(state.triggers.unique(dim=0)) == 1
    assert len(losses) == 3


@pytest.mark.parametrize("scope", ["post", "user"])
def test_same_seed_same_result_and_resume_equals_unbroken(natural, quick, tmp_path, scope):
    settings = quick.model_copy(update={"trigger_scope": scope, "fluent_beam": 2})
    whole, losses = run(natural(), settings)
    problem = natural()
    session = started("mem", problem, settings)
    first = next(filter(None, METHODS["mem"]().rounds(session)))
    torch.save(session.state.export() | session.state.fixed(), tmp_path / "state")
    session.state.noise.exported()
    resumed = started("mem", problem, settings)
    resumed.state.restore(torch.load(tmp_path / "state", weights_only=True))
    again, rest = run(problem, settings, resumed)
    assert [first.loss, *rest] == losses
    assert torch.equal(whole.triggers, again.triggers)
    assert (whole.noise.data == again.noise.data).all()


@pytest.mark.parametrize("at", [0, 2, 10**6])
@pytest.mark.parametrize("length", [1, 5])
def test_any_length_and_position(natural, quick, at, length):
    settings = quick.model_copy(update={"trigger_length": length, "max_rounds": 1})
    state, losses = run(natural(at=at, length=length), settings)
    assert state.triggers.shape == (12, length)
    assert len(losses) == 1


def test_random_words_may_be_natural_too(natural, quick):
    problem = natural()
    state = started("random", problem, quick).state
    assert all(len(set(words)) == 3 for words in words_of_state(problem, state))
