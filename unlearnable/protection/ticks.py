"""Show how far an optimisation is: a tick a batch within a round, and what adversaries learn before the first."""

from __future__ import annotations

from unlearnable.config import MEMSettings, MethodSettings
from unlearnable.methods.adversarial import lessons
from unlearnable.methods.base import Round
from unlearnable.methods.mem import MEMState
from unlearnable.methods.random import RandomNoise
from unlearnable.methods.state import State
from unlearnable.progress.reporting import Progress, within

LEARNING = "teaching copies of the models your clean posts, to mislead them"
TRAINING = 2.0  # noise steps that a training step takes, with its captions and the weights' gradients
MEASURING = 1 / 3  # of a noise step: a pass without gradients


def optimising(method: str) -> str:
    """Return the name of the phase in which a method runs its rounds."""
    return f"optimising ({method})"


class Ticks:
    """The phases of one optimisation.

    Args:
        progress: receives them.
        method: name of the method.
        settings: settings of the method.
        state: state that the method changes.
    """

    def __init__(self, progress: Progress, method: str, settings: MethodSettings, state: State) -> None:
        self._progress, self._method, self._settings, self._state = progress, method, settings, state
        self._learning = False

    def begin(self, rounds_done: int) -> None:
        """Begin the first phase; `rounds_done` were done by an earlier run."""
        steps = self._to_learn()
        self._learning = rounds_done == 0 and steps > 0
        if self._learning:
            self._progress.phase(LEARNING, steps)
        else:
            self._progress.phase(optimising(self._method), rounds_of(self._method, self._settings))
        if rounds_done:
            self._progress.advance(rounds_done)

    def tick(self) -> None:
        """Show a step or a batch."""
        if not self._learning:
            within(self._progress, share_of_round(self._method, self._settings, self._state))
            return
        self._progress.advance()
        if self._to_learn() <= 0:
            self.begin(0)

    def end_round(self, done: Round) -> None:
        """Show a round."""
        if self._learning:  # a method that says nothing of its steps
            self._learning = False
            self._progress.phase(optimising(self._method), rounds_of(self._method, self._settings))
        several = len(self._state.noise) > 1  # a loss says how well a photo is told from others
        self._progress.advance(1, **({"loss": done.loss, **done.metrics} if several else {}))

    def _to_learn(self) -> int:
        if (
            isinstance(self._state, MEMState)
            and self._state.adversary_optimisers
            and isinstance(self._settings, MEMSettings)
        ):
            return lessons(len(self._state.noise), self._settings) - self._state.learnt
        return 0


def rounds_of(method: str, settings: MethodSettings) -> int:
    """Return how many rounds a method runs at most: random noise is drawn in one."""
    return 1 if method == RandomNoise.name else settings.max_rounds


def steps_of_round(method: str, photos: int, settings: MethodSettings) -> tuple[float, float, float]:
    """Return the work of a round in noise steps of a full batch: training surrogates, moving the noise, measuring."""
    batches = photos / min(photos, settings.batch_size)
    if method == RandomNoise.name:
        return 0.0, 0.0, batches * MEASURING
    return TRAINING * settings.surrogate_steps, batches * settings.noise_steps, batches * MEASURING


def share_of_round(method: str, settings: MethodSettings, state: State) -> float:
    """Return how much of the round under way is done, 0 to 1."""
    photos, place = len(state.noise), state.place
    training, moving, measuring = steps_of_round(method, photos, settings)
    batches = -(-photos // settings.batch_size)
    to_come = batches if place.batches is None else len(place.batches)
    done = min(TRAINING * place.trained, training) + moving * (1 - min(to_come / batches, 1))
    return (done + measuring * len(place.losses) / photos) / (training + moving + measuring)
