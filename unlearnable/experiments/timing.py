"""Time a training step on this machine, from which the time of whole trainings is estimated."""

from __future__ import annotations

import time

from unlearnable.config import Recipe
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.posts.pairs import Pairs
from unlearnable.training.loop import Learner, train
from unlearnable.training.memory import kept
from unlearnable.training.optimiser import adamw


@kept()
def step_seconds(model: DualEncoder, pairs: Pairs, recipe: Recipe) -> float:
    """Return the seconds of a training step: the second one, since the first also warms up; `model` is trained."""
    twice = recipe.model_copy(update={"epochs": 2})  # so that there is a second step
    steps = train(Learner(model, adamw(model.module, recipe.lr, recipe.weight_decay), pairs, twice))
    next(steps)
    began = time.monotonic()
    next(steps)
    return time.monotonic() - began
