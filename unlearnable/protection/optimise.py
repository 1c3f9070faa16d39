"""Run a method to completion, with checkpoints after every round and at intervals within a round."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from unlearnable import checkpoint
from unlearnable.config import MethodSettings
from unlearnable.methods.base import Method, Problem, State
from unlearnable.progress import Progress


@dataclass(frozen=True)
class Making:
    """One optimisation: problem, method, settings and checkpoint.

    Attributes:
        problem: posts and surrogates.
        method: method that makes noise and triggers.
        settings: settings of the method.
        checkpoint: checkpoint file, from which the optimisation resumes if it exists.
        key: run key that the checkpoint is bound to.
    """

    problem: Problem
    method: Method
    settings: MethodSettings
    checkpoint: Path
    key: str


@dataclass
class Course:
    """The course of an optimisation so far.

    Attributes:
        losses: mean loss after each round.
        seconds: seconds the optimisation took so far, over all its runs.
    """

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0


def optimise(making: Making, progress: Progress, stop: Callable[[list[float]], bool]) -> tuple[State, Course]:
    """Run a method until its rounds are over or `stop`, given the losses of all rounds, returns true.

    Raises:
        CheckpointError: the checkpoint belongs to another run.
    """
    settings, path = making.settings, making.checkpoint
    progress.phase(f"optimising ({making.method.name})", settings.max_rounds)
    resumed = path.is_file()
    if not resumed:
        making.problem.noise_path.unlink(missing_ok=True)
    state = making.method.start(making.problem, settings)
    course = _restore(making, state, progress) if resumed else Course()
    if stop(course.losses):
        return state, course
    began, clock = time.monotonic() - course.seconds, checkpoint.Clock()
    for done in making.method.rounds(making.problem, settings, state):
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
    return state, course


def _restore(making: Making, state: State, progress: Progress) -> Course:
    """Restore `state` from the checkpoint and return the course up to it."""
    saved = checkpoint.load(making.checkpoint, making.key)
    state.restore(saved["method"])
    done = len(saved["losses"])
    progress.advance(done)
    progress.note(f"resuming after round {done}")
    return Course(saved["losses"], saved["seconds"])
