"""Foresee how long an optimisation takes, from a step of each model on this machine or from a round of some posts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch

from unlearnable.config import MEMSettings, MethodSettings
from unlearnable.methods.adversarial import lessons
from unlearnable.methods.base import Method, improving, started
from unlearnable.methods.batches import settle
from unlearnable.methods.mem import MEMState
from unlearnable.methods.problem import Problem
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import computing
from unlearnable.protection.ticks import LEARNING, TRAINING, optimising, rounds_of, steps_of_round
from unlearnable.training.loop import kept

TIMED, TRIES = 8, 3  # photos of a step that is timed, and how often: the first makes what the others find
CAPTION = 24  # tokens of a caption with its trigger
SEARCH, TRIED = 1.0, 0.33  # noise steps that a search for the triggers of a batch takes, and each text tried at a place


@dataclass(frozen=True)
class StepSeconds:
    """The seconds that a model takes for a noise step of a batch.

    Attributes:
        photos: for the photos, there and back.
        texts: for reading the captions, which steps that mislead do without.
    """

    photos: float
    texts: float

    @property
    def both(self) -> float:
        """The seconds of a step that reads captions."""
        return self.photos + self.texts


def step_seconds(model: DualEncoder, settings: MethodSettings, photos: int) -> StepSeconds:
    """Return the seconds that a noise step takes for a full batch of some photos, from the fastest of a few small ones.

    Captions fill the batch, whatever the number of photos.
    """
    batch, tokens = min(photos, settings.batch_size), torch.zeros(TIMED, CAPTION, dtype=torch.long)
    side = model.image_size
    pixels = torch.rand(TIMED, 3, side, side, generator=torch.Generator().manual_seed(0)).requires_grad_()
    timed = model.clone(binds=model.binds)
    settle([timed], settings.precision)
    seconds: list[tuple[float, float]] = []
    with kept():
        for _ in range(TRIES):
            began = time.monotonic()
            with torch.enable_grad(), computing(timed, settings.precision, "photo"):
                features = timed.encode_image(pixels.to(timed.device))
                torch.autograd.grad(features.float().sum(), pixels)
            with torch.no_grad(), computing(timed, settings.precision, "text"):
                shown = time.monotonic()
                timed.encode_text(tokens.to(timed.device))
            seconds.append((shown - began, time.monotonic() - shown))
    images, texts = min(seconds)
    return StepSeconds(images * batch / TIMED, texts * settings.batch_size / TIMED)


def optimising_seconds(
    method: str, settings: MethodSettings, photos: int, models: Sequence[StepSeconds], towers: Sequence[StepSeconds]
) -> dict[str, float]:
    """Return the expected seconds of each phase of an optimisation that runs all its rounds.

    Args:
        method: name of the method.
        settings: settings of the method.
        photos: number of photos.
        models: seconds of each surrogate's noise step.
        towers: the same of each tower.
    """
    training, moving, measuring = steps_of_round(method, photos, settings)
    binding, expected = sum(model.both for model in models), {}
    step, searching = binding, 0.0
    if isinstance(settings, MEMSettings):
        passes = min(settings.trigger_rounds, settings.max_rounds) * -(-photos // settings.batch_size)
        searching = passes * (SEARCH + TRIED * texts_tried(settings))
        if taught := lessons(photos, settings):
            expected[LEARNING] = taught * TRAINING * (binding + sum(tower.both for tower in towers))
            weight = settings.adversarial_weight
            misleading = fmean([model.photos for model in [*models, *towers]])
            step = (binding + weight * misleading) / (1 + weight)
    seconds = rounds_of(method, settings) * ((training + measuring) * binding + moving * step) + searching * binding
    return {**expected, optimising(method): seconds}


@kept()
def tried_seconds(method: Method, some: Problem, settings: MethodSettings, posts: int) -> float:
    """Return the seconds that an optimisation of posts takes in all its rounds, from one round of some of them.

    What adversaries learn does not grow with the posts and comes once, what surrogates learn comes once a round; all
    else does both, also what a method of an installed package does without a word of it in its state.
    """
    learning = training = moving = 0.0
    began = time.monotonic()
    session = started(method, some, settings.model_copy(update={"max_rounds": 1}))
    for done in improving(method, session):
        now, state = time.monotonic(), session.state
        if done is None and isinstance(state, MEMState) and state.adversary_optimisers:
            learning += now - began
        elif done is None and state.place.trained and state.place.batches is None:
            training += now - began
        else:
            moving += now - began
        if done is not None:
            break
        began = now
    rounds, moved = rounds_of(method.name, settings), moving * posts / len(some.posts)
    return learning + rounds * training + (rounds - _spared(settings)) * moved


def _spared(settings: MethodSettings) -> float:
    """Return how many rounds of work on the posts are spared, as only the first few search for triggers."""
    if not isinstance(settings, MEMSettings) or not settings.trigger_rounds:
        return 0.0
    search = SEARCH + TRIED * texts_tried(settings)
    return max(settings.max_rounds - settings.trigger_rounds, 0) * search / (search + settings.noise_steps)


def texts_tried(settings: MEMSettings) -> float:
    """Return how many texts are tried at each place in a trigger, the present one included."""
    return 1 + settings.candidates
