"""The default recipe of a model: 32 epochs at 5e-4 from scratch, 10 epochs of fine-tuning at a rate for its size."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from unlearnable.errors import ModelError
from unlearnable.models.bundled import tuning_rate
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.report import EpochRecord
from unlearnable.settings import (
    SCRATCH_EPOCHS,
    SCRATCH_RATE,
    TUNING_EPOCHS,
    Recipe,
    Schedule,
    TrainSettings,
    VerifySettings,
)
from unlearnable.storage import checkpoint
from unlearnable.storage.progress import Progress
from unlearnable.training.attacker import PLAIN, Attacker
from unlearnable.training.distributed import ALONE, World
from unlearnable.training.loop import Learner, adamw, kept, steps_an_epoch, train
from unlearnable.training.pairs import Pairs
from unlearnable.training.retrieval import queries_of, retrieve, scores


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


@dataclass(frozen=True)
class TrainingTask:
    """One training: pairs to train on, pairs to rank, recipe and checkpoint.

    Attributes:
        train: pairs to train on.
        held_out: pairs to rank after every epoch; may be empty.
        recipe: how the model is trained.
        checkpoint: checkpoint file, written after every epoch and at intervals within one; None for no checkpoints.
        key: run key that the checkpoint is bound to.
        attacker: who trains; `train` holds the pairs of their choice.
        queries: number of the first held-out photos, whose queries count; None for all.
    """

    train: Pairs
    held_out: Pairs
    recipe: Recipe
    checkpoint: Path | None = None
    key: str = ""
    attacker: Attacker = PLAIN
    queries: int | None = None

    @property
    def steps(self) -> int:
        """The number of steps of the whole training."""
        return self.recipe.epochs * steps_an_epoch(self.train, self.recipe)


@dataclass
class TrainingTrace:
    """A training so far.

    Attributes:
        epochs: loss and held-out ranks of every finished epoch.
        done: number of steps done.
        loss: summed loss of the current epoch.
        earlier: seconds that earlier runs spent on it up to the checkpoint that this one resumed from.
    """

    epochs: list[EpochRecord] = field(default_factory=list)
    done: int = 0
    loss: float = 0.0
    earlier: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """The seconds spent on it over all its runs."""
        return self.earlier + time.monotonic() - self._began


@kept()
@torch.enable_grad()
def fit(model: DualEncoder, task: TrainingTask, progress: Progress, *, world: World = ALONE) -> TrainingTrace:
    """Train `model` in place, resuming from the checkpoint if it exists.

    Raises:
        CheckpointError: the checkpoint belongs to another training.
        ModelError: the loss or the weights are no longer finite.
    """
    clock = checkpoint.Clock()
    optimiser = adamw(model.module, task.recipe.lr, task.recipe.weight_decay)
    training = _restore(model, optimiser, task)
    progress.advance(training.done)
    learner = Learner(model, optimiser, task.train, task.recipe, world, task.attacker)
    for step in train(learner, done=training.done):
        if not math.isfinite(step.loss):
            raise ModelError(f"the loss of step {step.number} is not finite", hint="lower --lr")
        training.done, training.loss = step.number, training.loss + step.loss
        progress.advance(1, loss=step.loss)
        if step.ends_epoch:
            mean = training.loss / steps_an_epoch(task.train, task.recipe)
            training.epochs.append(epoch_record(step.epoch, mean, model, task.held_out, task.queries))
            training.loss = 0.0
        if task.checkpoint is not None and world.rank == 0:
            clock.tick(partial(_save, task, model, optimiser, training), at_end=step.ends_epoch)
    if not all(weights.isfinite().all() for weights in model.module.parameters()):
        raise ModelError("the last steps left weights that are not finite", hint="lower --lr")
    return training


def epoch_record(
    epoch: int, loss: float | None, model: DualEncoder, held_out: Pairs, queries: int | None = None
) -> EpochRecord:
    """Return the loss of an epoch and the model's ranks of the held-out pairs after it.

    Raises:
        ModelError: the model returns features that are not finite.
    """
    if not len(held_out):
        return EpochRecord(epoch=epoch, loss=loss)
    both = scores(queries_of(retrieve(model, held_out), held_out, queries))
    return EpochRecord(epoch=epoch, loss=loss, image_to_text=both.image_to_text, text_to_image=both.text_to_image)


def _save(task: TrainingTask, model: DualEncoder, optimiser: Optimizer, training: TrainingTrace) -> None:
    assert task.checkpoint is not None
    state = {
        "weights": model.module.state_dict(),
        "optimiser": optimiser.state_dict(),
        "epochs": [record.model_dump() for record in training.epochs],
        "done": training.done,
        "loss": training.loss,
        "seconds": training.seconds,
    }
    checkpoint.save(task.checkpoint, task.key, state)


def _restore(model: DualEncoder, optimiser: Optimizer, task: TrainingTask) -> TrainingTrace:
    if task.checkpoint is None or not task.checkpoint.is_file():
        return TrainingTrace()
    state = checkpoint.load(task.checkpoint, task.key)
    model.module.load_state_dict(state["weights"])
    optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
    epochs = [EpochRecord(**record) for record in state["epochs"]]
    return TrainingTrace(epochs, state["done"], state["loss"], state.get("seconds", 0.0))  # it was not kept before
