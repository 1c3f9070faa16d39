"""The usual training of a model: 32 epochs at 5e-4 from scratch, 10 in fine-tuning at a rate that fits its size."""

from __future__ import annotations

from typing import Any

from unlearnable.config import SCRATCH_EPOCHS, SCRATCH_RATE, TUNING_EPOCHS, Recipe, Schedule
from unlearnable.models.architectures import tuning_rate


def recipe_for(
    schedule: Schedule,
    architecture: dict[str, Any],
    *,
    epochs: int | None,
    lr: float | None,
    seed: int,
    from_scratch: bool,
) -> Recipe:
    """Return the whole recipe of a training, with the usual length and rate where none is given.

    Args:
        schedule: batches, warm-up and crops; further fields are ignored.
        architecture: the model's configuration, which the fine-tuning rate depends on.
        epochs: passes over the pairs, or None.
        lr: highest learning rate, or None.
        seed: of the order, the views and the weights.
        from_scratch: whether the weights are random at the start.
    """
    usual = (SCRATCH_EPOCHS, SCRATCH_RATE) if from_scratch else (TUNING_EPOCHS, tuning_rate(architecture))
    return Recipe(
        **schedule.model_dump(include=set(Schedule.model_fields)),
        epochs=usual[0] if epochs is None else epochs,
        lr=lr or usual[1],
        seed=seed,
    )
