"""Random noise and random words of the same size: what every claim is to be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from unlearnable.config import MethodSettings
from unlearnable.methods import steps
from unlearnable.methods.base import Problem, Round, State
from unlearnable.methods.measure import measuring
from unlearnable.methods.trigger_search import draw_triggers


class RandomNoise:
    """Each noise value is -epsilon or epsilon, each trigger random words; nothing is optimised."""

    name: ClassVar[str] = "random"
    has_trigger: ClassVar[bool] = True
    lowers_loss: ClassVar[bool] = False

    def start(self, problem: Problem, settings: MethodSettings) -> State:
        """Random words; the noise is drawn in the one round."""
        state = steps.start(problem, settings, torch.zeros(len(problem.posts), 0, dtype=torch.long))
        state.triggers = draw_triggers(problem, settings, state.generator)
        return state

    def rounds(self, problem: Problem, settings: MethodSettings, state: State) -> Iterator[Round | None]:
        """One round that draws the noise."""
        if state.round == 0:
            if state.place.batches is None:  # not drawn yet
                for photo, grid in enumerate(problem.grids):
                    signs = torch.randint(0, 2, (3, *grid), generator=state.generator) * 2 - 1
                    state.noise.write(photo, signs.float() * settings.epsilon)
                state.place.batches = []
            state.losses = yield from measuring(problem, settings, state)
            yield steps.end_round(state)
