"""Run a method to completion, with checkpoints after rounds and, in long ones, at intervals."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from unlearnable.methods.algorithms import MEMState, RandomNoise
from unlearnable.methods.base import AnySession, Method, Problem, Round, State
from unlearnable.methods.noise import copy_noise
from unlearnable.methods.proxies import proxy_steps
from unlearnable.methods.triggers import resemblance
from unlearnable.settings import Hyperparameters
from unlearnable.storage import checkpoint
from unlearnable.storage.progress import Progress
from unlearnable.training.loop import kept

LEARNING = "fine-tuning proxies on your clean posts"


@dataclass(frozen=True)
class OptimisationTask:
    """One optimisation; of several processes the first one alone writes its checkpoint."""

    problem: Problem
    method: Method
    settings: Hyperparameters
    checkpoint: Path | None  # from which it resumes if that exists; None to save nothing
    key: str  # of the run that the checkpoint belongs to


@dataclass
class OptimisationTrace:
    """Mean loss after each round so far, and the seconds that all runs of an optimisation took."""

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0


class _Steps:
    """Reports an optimisation: what proxies learn first, then a step a batch of each round."""

    def __init__(self, progress: Progress, method: str, settings: Hyperparameters, state: State, done: int) -> None:
        self._progress, self._method, self._settings, self._state = progress, method, settings, state
        self._batches = -(-len(state.noise) // settings.batch_size)
        self._moved = 0
        learns = isinstance(state, MEMState) and bool(state.proxy_optimisers) and done == 0
        self._to_learn = proxy_steps(len(state.noise), settings) - state.learnt if learns else 0  # type: ignore[attr-defined]
        if self._to_learn > 0:
            progress.phase(LEARNING, self._to_learn)
        else:
            self._begin(done)

    def _begin(self, done: int) -> None:
        """Begin the rounds; an earlier run may have done some."""
        rounds = rounds_of(self._method, self._settings)
        self._progress.phase(f"optimising ({self._method})", rounds * self._batches)
        if done:
            self._progress.advance(done * self._batches)

    def tick(self) -> None:
        """Show a step or a batch; the last batch of a round counts when the round is over."""
        if self._to_learn > 0:
            self._progress.advance()
            self._to_learn -= 1
            if self._to_learn == 0:
                self._begin(0)
        elif self._state.place.batches is not None:
            moved = min(self._batches - len(self._state.place.batches), self._batches - 1)
            if moved > self._moved:
                self._progress.advance(moved - self._moved)
                self._moved = moved

    def end_round(self, done: Round) -> None:
        """Show a round."""
        several = len(self._state.noise) > 1  # a loss says how well a photo is told from others
        metrics = {"loss": done.loss, **done.metrics} if several else {}
        self._progress.advance(self._batches - self._moved, **metrics)
        self._moved = 0


def rounds_of(method: str, settings: Hyperparameters) -> int:
    """Return how many rounds a method runs at most: random noise is drawn in one."""
    return 1 if method == RandomNoise.name else settings.max_rounds


@torch.enable_grad()
def optimise(
    task: OptimisationTask, progress: Progress, stop: Callable[[list[float]], bool] | None = None
) -> tuple[AnySession, OptimisationTrace]:
    """Run a method until its rounds are over or `stop`, given the losses of all rounds, returns true.

    Without `stop` the settings of the method say when a run ends (`reason_to_stop`).

    The session's problem is the task's, with the words that describe its photos.

    Raises:
        CheckpointError: the checkpoint belongs to another run.
    """
    settings, path, world = task.settings, task.checkpoint, task.problem.world
    stop = stop or (lambda losses: bool(reason_to_stop(settings, losses)))
    resumed, noise = world.exchange((path is not None and path.is_file(), task.problem.noise_path))[0]
    if not resumed:
        task.problem.noise_path.unlink(missing_ok=True)
        if path is not None and world.rank == 0:
            forget(path)
    elif world.rank:
        copy_noise(noise, task.problem.noise_path)
    world.exchange(None)  # until then the first process leaves the files as they are
    session = task.method.start(_compared(task.problem, task.method, settings, progress), settings)
    state = session.state
    trace = _restore(task, state, progress) if resumed else OptimisationTrace()
    steps = _Steps(progress, task.method.name, settings, state, len(trace.losses))
    if world.exchange(stop(trace.losses))[0]:
        return session, trace
    _run(task, session, trace, steps, stop)
    return session, trace


def _compared(problem: Problem, method: Method, settings: Hyperparameters, progress: Progress) -> Problem:
    """Return a problem that knows the words that describe its photos, for triggers."""
    if not method.has_trigger:
        return problem
    models, words = (problem.surrogates, problem.witness), problem.vocabulary
    seen = resemblance(problem.posts.pixels, *models, words, settings.precision, progress, problem.world)
    return replace(problem, resemblance=seen)


@torch.enable_grad()
def improve_further(
    task: OptimisationTask, session: AnySession, trace: OptimisationTrace, rounds: int, progress: Progress
) -> None:
    """Run more rounds of a session, in place, that leave its triggers as they are now, and continue the trace.

    The task has no checkpoint; the triggers of the session may have been changed since its last round.
    """
    state = session.state
    settings = replace(session.settings, max_rounds=state.round + rounds, trigger_rounds=0)
    state.losses.fill_(float("inf"))
    state.resting.fill_(False)
    steps = _Steps(progress, task.method.name, replace(settings, max_rounds=rounds), state, 0)
    _run(replace(task, settings=settings), replace(session, settings=settings), trace, steps, lambda losses: False)


@kept()
def _run(
    task: OptimisationTask,
    session: AnySession,
    trace: OptimisationTrace,
    steps: _Steps,
    stop: Callable[[list[float]], bool],
) -> None:
    """Run the rounds of a session that are left; `trace` and the checkpoint grow with them."""
    began, clock, world = time.monotonic() - trace.seconds, checkpoint.Clock(), task.problem.world
    for done in task.method.rounds(session):
        trace.seconds = time.monotonic() - began
        if done is None:
            steps.tick()
        else:
            trace.losses.append(done.loss)
        if task.checkpoint is not None and world.rank == 0:
            save = partial(_save, task.checkpoint, task.key, session.state, trace)
            clock.tick(save, at_end=done is not None)
        if done is not None:
            steps.end_round(done)
            if world.exchange(stop(trace.losses))[0]:
                break


def forget(path: Path) -> None:
    """Remove the checkpoint of an optimisation and what was written beside it."""
    path.unlink(missing_ok=True)
    _fixed(path).unlink(missing_ok=True)


def reason_to_stop(settings: Hyperparameters, losses: list[float]) -> Literal["threshold", "rounds", ""]:
    """Return the reason to stop now, or an empty text. The threshold applies to the mean of the last two rounds."""
    if settings.ends_at_threshold and len(losses) >= 2 and sum(losses[-2:]) / 2 < settings.threshold:
        return "threshold"
    return "rounds" if len(losses) >= settings.max_rounds else ""


def _save(path: Path, key: str, state: State, trace: OptimisationTrace) -> None:
    """Write the checkpoint and, beside it and once, what of the state is fixed."""
    fixed = state.fixed()
    if fixed and not _fixed(path).is_file():
        checkpoint.save(_fixed(path), key, fixed)
    checkpoint.save(path, key, {"method": state.export(), "fixed": bool(fixed), **asdict(trace)})
    state.noise.exported()


def _restore(task: OptimisationTask, state: State, progress: Progress) -> OptimisationTrace:
    """Restore `state` from the checkpoint and return the trace up to it."""
    assert task.checkpoint is not None
    saved = checkpoint.load(task.checkpoint, task.key)
    fixed = checkpoint.load(_fixed(task.checkpoint), task.key) if saved["fixed"] else {}
    state.restore(saved["method"] | fixed)
    progress.note(f"resuming after round {len(saved['losses'])}")
    return OptimisationTrace(saved["losses"], saved["seconds"])


def _fixed(path: Path) -> Path:
    return path.with_suffix(".fixed.pt")
