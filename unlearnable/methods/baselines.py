"""The methods that MEM is compared with: EM, UAP and random noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from unlearnable.methods import steps
from unlearnable.methods.base import AnySession, Problem, RestingState, Round, Session, State
from unlearnable.methods.batches import measuring
from unlearnable.methods.triggers import draw_triggers
from unlearnable.settings import Hyperparameters


class EM:
    """Noise that minimises the loss with the photo's own captions; the captions stay as they are."""

    name: ClassVar[str] = "em"
    has_trigger: ClassVar[bool] = False
    lowers_loss: ClassVar[bool] = True

    def start(self, problem: Problem, settings: Hyperparameters) -> Session[RestingState]:
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


class UAP:
    """Noise that raises the loss of a surrogate which has learned the clean posts; captions untouched."""

    name: ClassVar[str] = "uap"
    has_trigger: ClassVar[bool] = False
    lowers_loss: ClassVar[bool] = False

    def start(self, problem: Problem, settings: Hyperparameters) -> AnySession:
        """Return a session with noise zero."""
        return Session(problem, settings, State(**steps.first_state(problem, settings)))

    def rounds(self, session: AnySession) -> Iterator[Round | None]:
        """Before the first the surrogate is trained on the clean posts, for as many steps as MEM's gets in all.

        Each round: noise steps upwards, as many as MEM takes; the surrogate stays.
        """
        settings, state = session.settings, session.state
        training = settings.surrogate_steps * settings.max_rounds if state.round == 0 else 0
        yield from steps.train_surrogates(session, training)
        while state.round < settings.max_rounds:
            for photos in steps.remaining(session):
                steps.move_noise(session, photos, shuffle=False, ascend=True)
                yield None
            state.losses = yield from measuring(session)
            yield steps.end_round(session)


class RandomNoise:
    """Each noise value is -epsilon or epsilon, each trigger random words; nothing is optimised."""

    name: ClassVar[str] = "random"
    has_trigger: ClassVar[bool] = True
    lowers_loss: ClassVar[bool] = False

    def start(self, problem: Problem, settings: Hyperparameters) -> AnySession:
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
