"""EM, error-minimising noise carried over to image-caption pairs: MEM without the words (Eq. 2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from unlearnable.methods import steps
from unlearnable.methods.base import Problem, Round, Session
from unlearnable.methods.batches import measuring
from unlearnable.methods.state import RestingState
from unlearnable.settings import MethodSettings


class EM:
    """Noise that minimises the loss with the photo's own captions; the captions stay as they are."""

    name: ClassVar[str] = "em"
    has_trigger: ClassVar[bool] = False
    lowers_loss: ClassVar[bool] = True

    def start(self, problem: Problem, settings: MethodSettings) -> Session[RestingState]:
        """Return a session with noise zero and no trigger."""
        state = RestingState(**steps.first_state(problem, settings))
        return Session(problem, settings, state)

    def rounds(self, session: Session[RestingState]) -> Iterator[Round | None]:
        """Each round: surrogate steps, then noise steps; as many as MEM takes."""
        state = session.state
        while state.round < session.settings.max_rounds:
            yield from steps.train_surrogates(session, session.settings.surrogate_steps)
            for photos in steps.remaining(session, state.resting):
                steps.move_noise(session, photos, shuffle=False)
                yield None
            steps.rest(session, (yield from measuring(session)))
            resting = float(state.resting.sum())
            yield steps.end_round(session, surrogate_loss=state.place.loss, resting=resting)
