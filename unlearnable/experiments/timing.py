"""Time a training step on this machine, and a prompt's names, from which the time of whole trainings is estimated."""

from __future__ import annotations

import time

from unlearnable.config import Recipe
from unlearnable.evaluation.embed import embed_texts
from unlearnable.evaluation.idia import Identities
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


def asking_seconds(model: DualEncoder, asked: Identities | None) -> float:
    """Return the seconds that a model takes to read all names it is asked for, from those of one prompt; 0 for none."""
    if asked is None:
        return 0.0
    began = time.monotonic()
    embed_texts(model, asked.tokens[0])
    return len(asked.tokens) * (time.monotonic() - began)
