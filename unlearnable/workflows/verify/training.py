"""The trainings of `verify`, and how long those to come will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnable.config import Recipe
from unlearnable.experiments.models import ModelPool
from unlearnable.experiments.timing import step_seconds
from unlearnable.training.attacker import Attacker
from unlearnable.training.loop import steps_an_epoch
from unlearnable.workflows.verify.arms import VerifyArm


@dataclass(frozen=True)
class Training:
    """The training of one cell.

    Attributes:
        victim: name of the model.
        arm: posts to train on.
        attacker: name of who trains.
        hooks: what that attacker does in the training.
        recipe: how the victim is trained, with the seed.
    """

    victim: str
    arm: VerifyArm
    attacker: str
    hooks: Attacker
    recipe: Recipe


def estimate(pool: ModelPool, trainings: Sequence[Training], reused: int) -> str:
    """Return a line on how many trainings are to come and how long they take here, from one step of each victim.

    Args:
        pool: victims before their training.
        trainings: trainings to come, at least one.
        reused: number of those that an earlier run has done.
    """
    pairs = trainings[0].arm.pairs()
    seconds: dict[str, float] = {}
    for victim in dict.fromkeys(training.victim for training in trainings):
        own = [training for training in trainings if training.victim == victim]
        step = step_seconds(pool.start(victim, own[0].recipe.seed), pairs, own[0].recipe)
        steps = (one.hooks.cost * one.recipe.epochs * steps_an_epoch(pairs, one.recipe) for one in own)
        seconds[victim] = step * sum(steps)
    each = [f"{Path(victim).name} {_duration(value)}" for victim, value in seconds.items()]
    parts = f" ({', '.join(each)})" if len(each) > 1 else ""
    there = f", {reused} are there already" if reused else ""
    return f"{len(trainings)} trainings to run, about {_duration(sum(seconds.values()))}{parts}{there}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
