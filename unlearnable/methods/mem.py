"""MEM, Multi-step Error Minimization: noise and trigger minimise the loss of a surrogate in training (Eq. 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from unlearnable.config import MethodSettings
from unlearnable.methods import adversarial, steps
from unlearnable.methods.base import Problem, Round, State
from unlearnable.methods.measure import measuring
from unlearnable.methods.trigger_search import draw_triggers, improve_triggers


class MEM:
    """Noise and a few words a photo, which become a shortcut for each other (Algorithm 1)."""

    name: ClassVar[str] = "mem"
    has_trigger: ClassVar[bool] = True
    lowers_loss: ClassVar[bool] = True

    def start(self, problem: Problem, settings: MethodSettings) -> State:
        """Noise zero, random trigger words."""
        state = steps.start(problem, settings, torch.zeros(len(problem.posts), 0, dtype=torch.long))
        state.triggers = draw_triggers(problem, settings, state.generator)
        adversarial.enlist(problem, settings, state)
        return state

    def rounds(self, problem: Problem, settings: MethodSettings, state: State) -> Iterator[Round | None]:
        """Each round: surrogate steps, then for every batch the trigger step and the noise steps.

        Before the first, where `adversarial_weight` is not 0, copies of the surrogates learn the clean posts; the
        noise then shall mislead them.
        """
        yield from adversarial.learn(problem, settings, state)
        misled = adversarial.adversaries(problem, settings, state)
        while state.round < settings.max_rounds:
            yield from steps.train_surrogates(problem, settings, state, settings.surrogate_steps)
            search = state.round < settings.trigger_rounds and not state.settled
            for photos in steps.remaining(settings, state):
                if search:
                    state.place.changed += improve_triggers(problem, settings, state, photos)
                steps.move_noise(problem, settings, state, photos, shuffle=True, pulls=misled)
                yield None
            trained, changed = state.place.loss, state.place.changed
            state.settled = state.settled or (search and changed == 0)
            steps.rest(settings, state, (yield from measuring(problem, settings, state)))
            resting = float(state.resting.sum())
            yield steps.end_round(state, surrogate_loss=trained, resting=resting, new_triggers=float(changed))
