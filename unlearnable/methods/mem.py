"""MEM, Multi-step Error Minimization: noise and trigger minimise the loss of a surrogate in training (Eq. 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from unlearnable.config import MethodSettings
from unlearnable.methods import steps
from unlearnable.methods.base import Problem, Round, State
from unlearnable.methods.trigger_search import draw_triggers, improve_triggers


class MEM:
    """Noise and a few words a photo, which become a shortcut for each other (Algorithm 1)."""

    name: ClassVar[str] = "mem"
    has_trigger: ClassVar[bool] = True

    def start(self, problem: Problem, settings: MethodSettings) -> State:
        """Noise zero, random trigger words."""
        state = steps.start(problem, settings, torch.zeros(len(problem.posts), 0, dtype=torch.long))
        state.triggers = draw_triggers(problem, settings, state.generator)
        return state

    def rounds(self, problem: Problem, settings: MethodSettings, state: State) -> Iterator[Round]:
        """Each round: surrogate steps, then for every batch the trigger step and the noise steps."""
        while state.round < settings.max_rounds:
            trained = steps.train_surrogates(problem, settings, state, settings.surrogate_steps)
            search = state.round < settings.trigger_rounds and not state.settled
            changed = 0
            awake = (~state.resting).nonzero()[:, 0]
            for photos in steps.batches(awake, settings.batch_size, state.generator):
                if search:
                    changed += improve_triggers(problem, settings, state, photos)
                steps.move_noise(problem, settings, state, photos, shuffle=True)
            state.settled = state.settled or (search and changed == 0)
            steps.rest(settings, state, steps.measure(problem, settings, state))
            state.round += 1
            metrics = {"surrogate_loss": trained, "resting": float(state.resting.sum()), "new_triggers": float(changed)}
            yield Round(state.round, float(state.losses.mean()), metrics)
