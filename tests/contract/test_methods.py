"""What every method keeps to, whichever it is."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from tests.conftest import picture
from unlearnable.imaging.picture import Noisy
from unlearnable.methods import METHODS
from unlearnable.methods.base import settings_for


@pytest.fixture(params=list(METHODS))
def method(request):
    return METHODS[request.param]()


@pytest.fixture
def quick(method, quick):
    """The settings of the method's own kind."""
    return settings_for(method, quick)


def finish(method, problem, settings, session=None):
    session = session or method.start(problem, settings)
    return session.state, list(filter(None, method.rounds(session)))


def test_noise_is_in_the_bound_triggers_are_other_words_and_what_was_given_stays(method, make_problem, quick, tiny):
    problem, weights = make_problem(), copy.deepcopy(tiny.module.state_dict())
    pixels = [problem.posts.pixels[n] for n in range(12)]
    state, rounds = finish(method, problem, quick)
    assert [r.number for r in rounds] == list(range(1, len(rounds) + 1))
    assert 1 <= len(rounds) <= quick.max_rounds
    assert all(torch.tensor(r.loss).isfinite() for r in rounds)
    assert 0 < abs(state.noise.data).max() <= quick.epsilon
    assert all((state.noise.read(n) != 0).any() for n in range(len(state.noise)))
    assert state.triggers.shape == (12, quick.trigger_length if method.has_trigger else 0)
    for row, captions in zip(state.triggers.tolist(), problem.captions, strict=True):
        words = problem.vocabulary.trigger(row).text.split() if row else []
        assert len(set(words)) == len(row)
        assert not set(words) & set(" ".join(captions).lower().split())
    assert all(torch.equal(weights[name], value) for name, value in tiny.module.state_dict().items())
    assert all(torch.equal(pixels[n], problem.posts.pixels[n]) for n in range(12))


def test_a_photo_in_greys_stays_in_greys(method, make_problem, quick):
    """Among photos in colours: each grey one gets one noise for all channels, up to the same bound."""
    pictures = [picture(n) for n in range(6)]
    for n in (1, 4):
        pictures[n] = pictures[n][..., :1].repeat(3, axis=2)
    state, _ = finish(method, make_problem(pictures=pictures), quick)
    for n, before in enumerate(pictures):
        after = Noisy(before, state.noise.grid(n)).whole()
        change = np.abs(after.astype(int) - before)
        assert 0 < change.max() <= quick.epsilon
        assert (after == after[..., :1]).all() == (n in (1, 4))
    assert state.noise.data.size == 3 * sum(rows * columns for rows, columns in state.noise.shapes)


def test_same_seed_same_result_and_another_seed_another(method, make_problem, quick):
    one, first = finish(method, make_problem(seed=4), quick)
    two, second = finish(method, make_problem(seed=4), quick)
    assert [r.loss for r in first] == [r.loss for r in second]
    assert (one.noise.data == two.noise.data).all()
    assert torch.equal(one.triggers, two.triggers)
    other, _ = finish(method, make_problem(seed=5), quick)
    assert (one.noise.data != other.noise.data).any()


def test_resume_equals_unbroken_wherever_a_round_is_stopped(method, make_problem, quick, tmp_path):
    whole, rounds = finish(method, make_problem(), quick)
    count = sum(1 for _ in method.rounds(method.start(make_problem(), quick)))
    assert count >= len(rounds)
    for stop in {1, 2, count // 3, count // 2, count - 1} & set(range(1, count + 1)):
        problem = make_problem()
        session = method.start(problem, quick)
        state, places = session.state, method.rounds(session)
        for _ in range(stop):
            next(places)
        torch.save(state.export() | state.fixed(), tmp_path / "state")
        state.noise.exported()
        for _ in range(min(stop, count - stop)):  # what is done after the checkpoint is undone
            next(places)
        resumed = method.start(problem, quick)
        resumed.state.restore(torch.load(tmp_path / "state", weights_only=True, mmap=True))
        done = resumed.state.round
        again, rest = finish(method, problem, quick, resumed)
        assert rest == rounds[done:]
        assert (whole.noise.data == again.noise.data).all()
        assert torch.equal(whole.triggers, again.triggers)


def test_one_piece_of_work_is_done_between_two_stops_and_measuring_is_in_batches_too(method, make_problem, quick):
    """A piece is a step of a proxy or of a surrogate, a batch of noise, or a batch measured."""
    session = method.start(make_problem(), quick)
    before, measured = (0, 0, 0, 0), []
    for done in method.rounds(session):
        if done is not None:
            break
        place = session.state.place
        stop = (getattr(session.state, "learnt", 0), place.trained, len(place.batches or []), len(place.losses))
        changes = [new - old for new, old in zip(stop, before, strict=True)]
        assert sum(change != 0 for change in changes) == 1
        assert changes[0] in (0, 1)
        assert changes[1] in (0, 1)
        assert 0 <= changes[3] <= quick.batch_size
        measured += [stop[3]] if changes[3] else []
        before = stop
    assert measured == [6, 12]  # of 12 posts in batches of at most 8


def test_a_single_photo_can_be_protected(method, make_problem, quick):
    state, rounds = finish(method, make_problem(photos=1), quick)
    assert rounds
    assert (state.noise.read(0) != 0).any()
