"""Foresee how long an optimisation takes, from one step of each model on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from unlearnable.config import MEMSettings, MethodSettings
from unlearnable.methods.adversarial import lessons
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import computing
from unlearnable.protection.ticks import LEARNING, optimising, steps_of_round

TIMED = 8  # photos of the step that is timed
CONTEXT = 77  # tokens of a caption
SEARCH = 6.0  # trigger search of a batch, in noise steps


def step_seconds(model: DualEncoder, settings: MethodSettings, photos: int) -> float:
    """Return the seconds that a noise step takes for a batch of some photos, from the faster of two small ones.

    Captions fill the batch, whatever the number of photos.
    """
    batch, tokens = min(photos, settings.batch_size), torch.zeros(TIMED, CONTEXT, dtype=torch.long)
    side = model.image_size
    pixels = torch.rand(TIMED, 3, side, side, generator=torch.Generator().manual_seed(0)).requires_grad_()
    seconds: list[tuple[float, float]] = []
    for _ in range(2):
        began = time.monotonic()
        with torch.enable_grad(), computing(model, settings.precision):
            features = model.encode_image(pixels.to(model.device))
            torch.autograd.grad(features.float().sum(), pixels)
        with torch.no_grad(), computing(model, settings.precision):
            shown = time.monotonic()
            model.encode_text(tokens.to(model.device))
        seconds.append((shown - began, time.monotonic() - shown))
    images, texts = min(seconds)
    return (images * batch + texts * settings.batch_size) / TIMED


def optimising_seconds(
    method: str, settings: MethodSettings, photos: int, models: Sequence[float], towers: Sequence[float]
) -> dict[str, float]:
    """Return the expected seconds of each phase of an optimisation that runs all its rounds.

    Args:
        method: name of the method.
        settings: settings of the method.
        photos: number of photos.
        models: seconds of each surrogate's noise step.
        towers: the same of each tower.
    """
    batches = -(-photos // settings.batch_size)
    steps = settings.max_rounds * sum(steps_of_round(photos, settings))
    expected = {}
    if isinstance(settings, MEMSettings):
        steps += min(settings.trigger_rounds, settings.max_rounds) * batches * SEARCH
        if taught := lessons(photos, settings):
            expected[LEARNING] = taught * (sum(models) + sum(towers))
    return {**expected, optimising(method): steps * sum(models)}
