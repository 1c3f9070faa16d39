"""Random noise and random words of the same size: what every claim is to be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from unlearnable.methods import steps
from unlearnable.methods.base import AnySession, Problem, Round, Session
from unlearnable.methods.batches import measuring
from unlearnable.methods.state import State
from unlearnable.methods.triggers import draw_triggers
from unlearnable.settings import MethodSettings


class RandomNoise:
    """Each noise value is -epsilon or epsilon, each trigger random words; nothing is optimised."""

    name: ClassVar[str] = "random"
    has_trigger: ClassVar[bool] = True
    lowers_loss: ClassVar[bool] = False

    def start(self, problem: Problem, settings: MethodSettings) -> AnySession:
        """Return a session with random words; the noise is drawn in the one round."""
        state = State(**steps.first_state(problem, settings))
        state.triggers = draw_triggers(problem, settings, state.generator)
        return Session(problem, settings, state)

    def rounds(self, session: AnySession) -> Iterator[Round | None]:
        """One round that draws the noise."""
        state = session.state
        if state.round > 0:
            return
        if state.place.batches is None:  # not drawn yet
            for photo in range(len(state.noise)):
                shape = state.noise.grid(photo).shape
                signs = torch.randint(0, 2, shape, generator=state.generator) * 2 - 1
                state.noise.write(photo, signs.float() * session.settings.epsilon)
            state.place.batches = []
        state.losses = yield from measuring(session)
        yield steps.end_round(session)
