"""UAP, untargeted adversarial noise against a surrogate trained on the clean posts (Eq. 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from unlearnable.config import MethodSettings
from unlearnable.methods import steps
from unlearnable.methods.base import Problem, Round, State
from unlearnable.methods.measure import measuring


class UAP:
    """Noise that raises the loss of a surrogate which has learned the clean posts; captions untouched."""

    name: ClassVar[str] = "uap"
    has_trigger: ClassVar[bool] = False
    lowers_loss: ClassVar[bool] = False

    def start(self, problem: Problem, settings: MethodSettings) -> State:
        """Noise zero."""
        return steps.start(problem, settings, torch.zeros(len(problem.posts), 0, dtype=torch.long))

    def rounds(self, problem: Problem, settings: MethodSettings, state: State) -> Iterator[Round | None]:
        """Before the first the surrogate is trained on the clean posts, for as many steps as MEM's gets in all.

        Each round: noise steps upwards, as many as MEM takes; the surrogate stays.
        """
        training = settings.surrogate_steps * settings.max_rounds if state.round == 0 else 0
        yield from steps.train_surrogates(problem, settings, state, training)
        while state.round < settings.max_rounds:
            for photos in steps.remaining(settings, state):
                steps.move_noise(problem, settings, state, photos, shuffle=False, ascend=True)
                yield None
            state.losses = yield from measuring(problem, settings, state)
            yield steps.end_round(state)
