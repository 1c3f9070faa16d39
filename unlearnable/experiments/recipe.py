"""The default recipe of a model: 32 epochs at 5e-4 from scratch, 10 epochs of fine-tuning at a rate for its size."""

from __future__ import annotations

from typing import Any

from unlearnable.config import (
    SCRATCH_EPOCHS,
    SCRATCH_RATE,
    TUNING_EPOCHS,
    Recipe,
    Schedule,
    TrainSettings,
    VerifySettings,
)
from unlearnable.models.architectures import tuning_rate


def recipe_for(
    settings: TrainSettings | VerifySettings, architecture: dict[str, Any], *, seed: int, from_scratch: bool
) -> Recipe:
    """Return the full recipe of a training, with the default length and rate where the settings give none.

    Args:
        settings: length, rate, batches, warm-up and crops.
        architecture: configuration of the model, which the fine-tuning rate depends on.
        seed: seed of the order, the views and the weights.
        from_scratch: whether the training starts from random weights.
    """
    defaults = (SCRATCH_EPOCHS, SCRATCH_RATE) if from_scratch else (TUNING_EPOCHS, tuning_rate(architecture))
    return Recipe(
        **settings.model_dump(include=set(Schedule.model_fields)),
        epochs=defaults[0] if settings.epochs is None else settings.epochs,
        lr=settings.lr or defaults[1],
        seed=seed,
    )
