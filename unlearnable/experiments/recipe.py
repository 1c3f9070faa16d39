"""The default recipe of a model: 32 epochs at 5e-4 from scratch, 10 epochs of fine-tuning at a rate for its size."""

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
    """Return the full recipe of a training, with the default length and rate where none is given.

    Args:
        schedule: batches, warm-up and crops; further fields are ignored.
        architecture: configuration of the model, which the fine-tuning rate depends on.
        epochs: number of passes over the pairs; None for the default.
        lr: highest learning rate; None for the default.
        seed: seed of the order, the views and the weights.
        from_scratch: whether the training starts from random weights.
    """
    defaults = (SCRATCH_EPOCHS, SCRATCH_RATE) if from_scratch else (TUNING_EPOCHS, tuning_rate(architecture))
    return Recipe(
        **schedule.model_dump(include=set(Schedule.model_fields)),
        epochs=defaults[0] if epochs is None else epochs,
        lr=lr or defaults[1],
        seed=seed,
    )
