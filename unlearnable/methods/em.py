"""EM, error-minimising noise carried over to image-caption pairs: MEM without the words (Eq. 2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from unlearnable.config import MethodSettings
from unlearnable.methods import steps
from unlearnable.methods.base import Problem, Round, State
from unlearnable.methods.measure import measuring


class EM:
    """Noise that minimises the loss with the photo's own captions; the captions stay as they are."""

    name: ClassVar[str] = "em"
    has_trigger: ClassVar[bool] = False
    lowers_loss: ClassVar[bool] = True

    def start(self, problem: Problem, settings: MethodSettings) -> State:
        """Noise zero, no trigger."""
        return steps.start(problem, settings, torch.zeros(len(problem.posts), 0, dtype=torch.long))

    def rounds(self, problem: Problem, settings: MethodSettings, state: State) -> Iterator[Round | None]:
        """Each round: surrogate steps, then noise steps; as many as MEM takes."""
        while state.round < settings.max_rounds:
            yield from steps.train_surrogates(problem, settings, state, settings.surrogate_steps)
            for photos in steps.remaining(settings, state):
                steps.move_noise(problem, settings, state, photos, shuffle=False)
                yield None
            steps.rest(settings, state, (yield from measuring(problem, settings, state)))
            yield steps.end_round(state, surrogate_loss=state.place.loss, resting=float(state.resting.sum()))
