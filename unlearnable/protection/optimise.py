"""Run a method to its end, with a checkpoint after every round and every so often inside of one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from unlearnable import checkpoint
from unlearnable.config import MethodSettings
from unlearnable.methods.base import AnySession, Method
from unlearnable.methods.problem import Problem
from unlearnable.methods.state import State
from unlearnable.progress import Progress


@dataclass(frozen=True)
class Making:
    """What is to be optimised, how, and where its state is kept.

    Attributes:
        problem: the posts and surrogates.
        method: one of `unlearnable.methods`.
        settings: of the method.
        checkpoint: goes on from there where the file exists.
        key: what the checkpoint is bound to.
    """

    problem: Problem
    method: Method
    settings: MethodSettings
    checkpoint: Path
    key: str


@dataclass
class Course:
    """How an optimisation has gone.

    Attributes:
        losses: the mean loss after each round.
        seconds: it took, over all the times that it was started.
    """

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0


def optimise(making: Making, progress: Progress, stop: Callable[[list[float]], bool]) -> tuple[AnySession, Course]:
    """Run a method until its rounds are over or `stop` says so of their losses.

    Raises:
        CheckpointError: the checkpoint belongs to another run.
    """
    settings, path = making.settings, making.checkpoint
    progress.phase(f"optimising ({making.method.name})", settings.max_rounds)
    goes_on = path.is_file()
    if not goes_on:
        making.problem.noise_path.unlink(missing_ok=True)
    session = making.method.start(making.problem, settings)
    state = session.state
    course = _restore(making, state, progress) if goes_on else Course()
    if stop(course.losses):
        return session, course
    began, clock = time.monotonic() - course.seconds, checkpoint.Clock()
    for done in making.method.rounds(session):
        if done is None and not clock.due():
            continue
        if done is not None:
            course.losses.append(done.loss)
        course.seconds = time.monotonic() - began
        checkpoint.save(path, making.key, {"method": state.export(), **asdict(course)})
        state.noise.exported()
        if done is not None:
            progress.advance(1, loss=done.loss, **done.metrics)
        if stop(course.losses):
            break
    return session, course


def _restore(making: Making, state: State, progress: Progress) -> Course:
    """Bring `state` to where the checkpoint is."""
    saved = checkpoint.load(making.checkpoint, making.key)
    state.restore(saved["method"])
    done = len(saved["losses"])
    progress.advance(done)
    progress.note(f"going on after round {done}")
    return Course(saved["losses"], saved["seconds"])
