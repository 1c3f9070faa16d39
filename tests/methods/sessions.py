"""Sessions run to their end, and the loss of their posts."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from unlearnable.methods import METHODS
from unlearnable.methods.base import AnySession, Problem, Round, Session
from unlearnable.methods.steps import measuring
from unlearnable.settings import Hyperparameters


def measure(session: AnySession) -> Tensor:
    """(n,) the losses of all posts as they are now."""
    batches = measuring(session)
    while True:
        try:
            next(batches)
        except StopIteration as end:
            return end.value


def started(name: str, problem: Problem, settings: Hyperparameters) -> Session[Any]:
    """A session of the method of that name, with settings and state of its own classes, before its first round."""
    return METHODS[name]().start(problem, settings)


def finish(name: str, session: AnySession) -> list[Round]:
    """The rounds that were left of a session."""
    return [done for done in METHODS[name]().rounds(session) if done]
