"""The gradient at the noise of a grey photo is that of one noise on all three channels."""

from __future__ import annotations

import torch

from tests.conftest import picture
from tests.methods.sessions import started
from unlearnable.methods import steps


def test_the_gradient_of_a_grey_photo_is_summed_over_the_channels(make_problem, quick, monkeypatch):
    pictures = [picture(n)[..., :1].repeat(3, axis=2) if n < 4 else picture(n) for n in range(8)]
    photos = list(range(8))

    def gradients():
        session = started("mem", make_problem(pictures=pictures), quick)
        slots = session.problem.posts.choose(photos, session.state.generator)
        return steps.noise_gradients(session, photos, slots)

    grey = gradients()
    monkeypatch.setattr("unlearnable.training.data.Pixels.is_grey", lambda *_: False)
    colour = gradients()
    assert [len(one) for one in grey] == [1] * 4 + [3] * 4
    for one, of_channels in zip(grey[:4], colour[:4], strict=True):
        assert of_channels.std(dim=0).max() > 0  # a model weighs the channels unlike
        torch.testing.assert_close(one, of_channels.sum(dim=0, keepdim=True))
    for one, same in zip(grey[4:], colour[4:], strict=True):
        torch.testing.assert_close(one, same)


def test_a_step_takes_all_channels_the_same_way(make_problem, quick):
    pictures = [picture(n)[..., :1].repeat(3, axis=2) for n in range(8)]
    session = started("em", make_problem(pictures=pictures), quick)
    steps.move_noise(session, list(range(8)), shuffle=False)
    for n in range(8):
        noise = session.state.noise.read(n)
        assert noise.shape[0] == 1
        assert noise.abs().max() == min(quick.epsilon, quick.noise_steps * quick.step_size)
