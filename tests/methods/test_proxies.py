from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from tests.methods.sessions import finish, started
from unlearnable.methods import proxies, steps
from unlearnable.training.data import PLAIN_VIEW, apply_noise, load_view


def run(problem, settings):
    session = started("mem", problem, settings)
    return session, finish("mem", session)


def feature_shifts(session):
    return proxies.feature_shifts(session, session.state.proxies)


def seen(problem, state, shift):
    """Mean loss of a proxy on the photos with their noise."""
    photos = range(len(problem.posts))
    files = [apply_noise(problem.posts.pixels[n], state.noise.read(n)) for n in photos]
    pixels = torch.stack([load_view(file, shift.model.image_size, PLAIN_VIEW) for file in files])
    with torch.no_grad():
        return float(shift.loss(pixels, photos))


def test_features_of_a_model_that_knows_the_clean_posts_shift(make_problem, quick, monkeypatch):
    monkeypatch.setattr(proxies, "tuning_rate", lambda config: 3e-3)
    settings = replace(quick, proxy_tuning_steps=30, noise_steps=8, proxy_weight=1000)
    problem = make_problem()
    session, _ = run(problem, settings)
    (shift,), state = feature_shifts(session), session.state
    plain = make_problem()
    other = run(plain, replace(settings, proxy_weight=0))[0].state
    assert other.proxies == []
    clean = started("mem", make_problem(), settings).state
    assert seen(problem, state, shift) < min(seen(plain, other, shift), 0.5 * seen(plain, clean, shift))
    assert not any(torch.equal(state.noise.read(n), other.noise.read(n)) for n in range(len(problem.posts)))


def test_every_surrogate_and_every_other_model_has_a_proxy(make_problem, quick, tiny):
    problem = replace(make_problem(surrogates=[tiny, tiny.clone()]), proxies=(tiny.clone(),))
    session, _ = run(problem, replace(quick, max_rounds=1))
    assert len(feature_shifts(session)) == 3
    assert session.state.learnt == quick.proxy_tuning_steps
    assert proxies.make_proxies(problem, replace(quick, proxy_weight=0)) == ([], [])


def test_noise_is_to_shift_the_features_of_every_proxy_in_turn(make_problem, quick):
    class Asking(list):
        model = make_problem().surrogates[0]

        def loss(self, pixels, photos):
            self.append(photos)
            return pixels.sum()

    session = started("em", make_problem(), replace(quick, noise_steps=20))
    losses: list[Any] = [Asking(), Asking()]
    steps.move_noise(session, [3, 5], shuffle=False, auxiliary=losses, auxiliary_share=1.0)
    assert len(losses[0]) + len(losses[1]) == 20
    assert all(len(each) > 4 for each in losses)


def test_proxies_learn_the_clean_posts_as_a_victim_does(make_problem, quick, monkeypatch):
    steps_seen, rates = [], []
    genuine = steps.train_step

    def watched(session, learners, triggers):
        steps_seen.append((triggers.shape[1], int(abs(session.state.noise.data).max())))
        rates.append([group["lr"] for _, optimiser in learners for group in optimiser.param_groups])
        return genuine(session, learners, triggers)

    monkeypatch.setattr(steps, "train_step", watched)
    monkeypatch.setattr(proxies, "tuning_rate", lambda config: 1e-3)
    run(make_problem(), replace(quick, max_rounds=1, proxy_tuning_steps=20))
    assert steps_seen[:20] == [(0, 0)] * 20  # without triggers and noise
    assert all(length == 3 for length, _ in steps_seen[20:])
    learning = [step[0] for step in rates[:20]]
    assert all(len(set(step)) == 1 for step in rates[:20])
    assert learning[0] < learning[1] == max(learning) == 1e-3
    assert learning[1:] == sorted(learning[1:], reverse=True)
    assert learning[-1] < 1e-5
    assert rates[20][0] == quick.learning_rate


def test_posts_of_one_caption_have_nothing_to_shift_to(make_problem, quick):
    problem = make_problem(photos=1)
    session, rounds = run(problem, quick)
    assert rounds
    assert feature_shifts(session) == []


def test_no_post_rests_while_features_are_to_shift(make_problem, quick):
    low = replace(quick, threshold=100.0)
    for weight, resting in ((1.0, False), (0.0, True)):
        state = run(make_problem(), replace(low, proxy_weight=weight))[0].state
        assert bool(state.resting.any()) == resting
        assert state.losses.isfinite().all()
