from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.methods.sessions import finish, measure, started
from unlearnable.methods import METHODS, steps

EXAMPLES = Path(__file__).parents[2] / "examples" / "photos"


def run(name, problem, settings):
    session = started(name, problem, settings)
    before = float(measure(session).mean())
    return session.state, [before, *(done.loss for done in finish(name, session))]


@pytest.fixture
def longer(quick):
    return replace(quick, max_rounds=6, noise_steps=8, batch_size=12)


def test_mem_lowers_the_loss_and_beats_random(make_problem, longer):
    def curve(name):  # a single one depends on the words that were drawn: on the tiny encoder by a factor of four
        runs = [run(name, make_problem(seed=seed), longer)[1] for seed in range(2)]
        return [sum(losses) / len(runs) for losses in zip(*runs, strict=True)]

    mem, random = map(curve, ("mem", "random"))
    assert mem[-1] < 0.5 * mem[0]
    assert mem[-1] < 0.5 * random[-1]


def test_uap_raises_the_loss(make_problem, longer):
    _, losses = run("uap", make_problem(), longer)
    assert losses[-1] > losses[0]


@pytest.mark.parametrize(("at", "length"), [(0, 1), (2, 5), (10**6, 5)])
def test_any_length_and_position(make_problem, quick, at, length):
    settings = replace(quick, trigger_length=length, max_rounds=1)
    state, losses = run("mem", make_problem(at=at, length=length), settings)
    assert state.triggers.shape == (12, length)
    assert len(losses) == 2


@pytest.fixture
def other(tiny):
    """A model that is somewhat unlike the tiny one."""
    other = tiny.clone()
    torch.manual_seed(9)
    with torch.no_grad():
        for p in other.module.parameters():
            p.add_(0.1 * p.std(correction=0) * torch.randn_like(p))
    return other


def test_the_noise_of_an_ensemble_goes_by_all_of_its_models(make_problem, quick, tiny, other):
    def gradients(*surrogates):
        session = started("em", make_problem(surrogates=surrogates), quick)
        slots = session.problem.posts.choose(range(8), session.state.generator)
        return steps.noise_gradients(session, range(8), slots)

    for both, *each in zip(gradients(tiny, other), gradients(tiny), gradients(other), strict=True):
        torch.testing.assert_close(both, each[0] + each[1])


def test_photos_of_equal_captions_are_not_told_apart(make_problem, quick):
    problem = make_problem()
    same = replace(problem, posts=replace(problem.posts, slots=(problem.posts.slots[0][:1],) * 12))
    session = started("em", same, quick)
    assert measure(session).abs().max() < 1e-6
    learners = list(zip(session.state.models, session.state.optimisers, strict=True))
    assert steps.train_step(session, learners, session.state.triggers) < 1e-6


def test_posts_rest_under_the_threshold_and_wake_again(make_problem, quick):
    problem = make_problem()
    session = started("mem", problem, quick)
    state = session.state
    low, high = torch.full((12,), 0.001), torch.full((12,), 0.5)
    steps.rest(session, low)
    assert not state.resting.any()
    steps.rest(session, low)
    assert state.resting.all()
    steps.rest(session, high)
    assert not state.resting.any()


def test_random_noise_is_everywhere_as_strong_as_it_may_be(make_problem, quick):
    session = started("random", make_problem(), quick)
    finish("random", session)
    assert set(session.state.noise.data.tolist()) == {-quick.epsilon, quick.epsilon}


def test_surrogates_keep_to_the_largest_scale_of_clip(make_problem, quick):
    session = started("em", make_problem(), quick)
    (model,) = session.state.models
    with torch.no_grad():
        model.module.logit_scale.fill_(9.0)
    list(steps.train_surrogates(session, 1))
    assert model.logit_scale.item() == pytest.approx(100)


@pytest.mark.parametrize("name", ["mem", "em"])
def test_a_surrogate_with_dropout_makes_the_same_noise_whatever_was_drawn_before(make_problem, quick, tiny, name):
    dropping = tiny.clone()
    dropping.module.get_submodule("visual").ln_post = torch.nn.Sequential(torch.nn.LayerNorm(64), torch.nn.Dropout(0.5))
    seen = []
    for number in range(2):
        torch.manual_seed(number)
        session = started(name, make_problem(surrogates=[dropping]), quick)
        before = torch.get_rng_state()
        seen.append(finish(name, session)[-1].loss)
        assert torch.equal(torch.get_rng_state(), before), "the numbers of the caller are left alone"
    assert seen[0] == seen[1]


def test_resting_posts_keep_their_noise(make_problem, quick):
    problem = make_problem()
    settings = replace(quick, surrogate_steps=0)
    session = started("mem", problem, settings)
    state, rounds = session.state, filter(None, METHODS["mem"]().rounds(session))
    next(rounds)
    before = state.noise.grid(3)
    state.resting[3] = True
    next(rounds)
    assert (state.noise.grid(3) == before).all()
    assert (state.noise.grid(4) != 0).any()


def test_a_post_that_alone_does_not_rest_still_gets_noise(make_problem, longer):
    few = replace(longer, batch_size=4, noise_steps=1)  # fewer than there are posts
    session = started("em", make_problem(), few)
    session.state.resting[[0, *range(2, 12)]] = True
    for batch in steps.remaining(session):
        steps.move_noise(session, batch, shuffle=False)
    assert session.state.noise.read(1).any()


@pytest.mark.parametrize(("epsilon", "length"), [(8, 1), (15, 1), (16, 2)])
def test_a_higher_bound_is_reached_by_longer_steps(make_problem, quick, epsilon, length):
    settings = replace(quick, epsilon=epsilon, noise_steps=1, visibility="high")
    session = started("em", make_problem(), settings)
    steps.move_noise(session, [0, 1, 2], shuffle=False)
    assert set(session.state.noise.read(0).abs().unique().tolist()) <= {0, length}
    assert session.state.noise.read(0).abs().max() == length
