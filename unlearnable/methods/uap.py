"""UAP, untargeted adversarial noise against a surrogate trained on the clean posts (Eq. 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from unlearnable.methods import steps
from unlearnable.methods.base import AnySession, Problem, Round, Session
from unlearnable.methods.batches import measuring
from unlearnable.methods.state import State
from unlearnable.settings import MethodSettings


class UAP:
    """Noise that raises the loss of a surrogate which has learned the clean posts; captions untouched."""

    name: ClassVar[str] = "uap"
    has_trigger: ClassVar[bool] = False
    lowers_loss: ClassVar[bool] = False

    def start(self, problem: Problem, settings: MethodSettings) -> AnySession:
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
