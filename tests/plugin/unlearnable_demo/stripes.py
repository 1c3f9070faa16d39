"""A method: diagonal stripes of a width of one's choice, moved on a little every round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field

from unlearnable.config import MethodSettings
from unlearnable.methods import steps
from unlearnable.methods.base import Round, Session
from unlearnable.methods.measure import measuring
from unlearnable.methods.problem import Problem
from unlearnable.methods.state import State


class StripesSettings(MethodSettings):
    """The settings of every method, and the width of the stripes."""

    stripe_width: Annotated[int, Field(ge=1, le=64, description="Width of a stripe, in pixels of the noise grid.")] = 4


@dataclass
class StripesState(State):
    """The state of every method, and how far the stripes have moved in the rounds so far."""

    moved: int = 0

    def export(self) -> dict[str, Any]:
        """Return the state as plain tensors and numbers."""
        return {**super().export(), "moved": self.moved}

    def restore(self, exported: dict[str, Any]) -> None:
        """Become the state that was exported last."""
        super().restore(exported)
        self.moved = exported["moved"]


class Stripes:
    """Stripes of random colours, one pattern a photo."""

    name: ClassVar[str] = "stripes"
    has_trigger: ClassVar[bool] = False
    lowers_loss: ClassVar[bool] = False
    Settings: ClassVar[type[MethodSettings]] = StripesSettings

    def start(self, problem: Problem, settings: StripesSettings) -> Session[StripesSettings, StripesState]:
        """Return a session with noise zero."""
        return Session(problem, settings, StripesState(**steps.first_state(problem, settings)))

    def rounds(self, session: Session[StripesSettings, StripesState]) -> Iterator[Round | None]:
        """Each round: new stripes on every photo, then the loss of all posts."""
        state = session.state
        while state.round < session.settings.max_rounds:
            for photos in steps.remaining(session):
                for photo in photos:
                    self._draw(session, photo)
                yield None
            state.losses = yield from measuring(session)
            state.moved += 1
            yield steps.end_round(session)

    def _draw(self, session: Session[StripesSettings, StripesState], photo: int) -> None:
        height, width = session.problem.grids[photo]
        colours = torch.randint(0, 2, (3, 8), generator=session.state.generator) * 2 - 1
        places = torch.arange(height)[:, None] + torch.arange(width)[None] + session.state.moved
        stripes = colours[:, places // session.settings.stripe_width % 8]
        session.state.noise.write(photo, stripes.float() * session.settings.epsilon)
