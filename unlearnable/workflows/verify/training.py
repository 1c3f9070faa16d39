"""The trainings of `verify`, how long those to come will take, and what each leaves in its cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnable.config import AS_USUAL, Recipe
from unlearnable.evaluation.embed import retrieve
from unlearnable.evaluation.scores import queries_of, scores
from unlearnable.experiments.cells import CellTraining, Experiment, Trained, run
from unlearnable.experiments.timing import asking_seconds, step_seconds
from unlearnable.progress.forecast import duration
from unlearnable.progress.reporting import Progress
from unlearnable.results import Cell, CrowdCell, RanksRecord
from unlearnable.training.attacker import Attacker
from unlearnable.training.loop import steps_an_epoch
from unlearnable.wording.counts import counted
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


def estimate(experiment: Experiment, trainings: Sequence[Training], reused: int) -> str:
    """Return a line on how many trainings are to come and how long they take here, from one step of each victim.

    Args:
        experiment: victims before their training, and the people whom each is asked for after it.
        trainings: trainings to come, at least one.
        reused: number of those that an earlier run has done.
    """
    pairs = trainings[0].arm.pairs()
    seconds: dict[str, float] = {}
    for victim in dict.fromkeys(training.victim for training in trainings):
        own = [training for training in trainings if training.victim == victim]
        model = experiment.pool.start(victim, own[0].recipe.seed)
        step, asking = step_seconds(model, pairs, own[0].recipe), asking_seconds(model, experiment.identities)
        steps = (one.hooks.cost * one.recipe.epochs * steps_an_epoch(pairs, one.recipe) for one in own)
        seconds[victim] = step * sum(steps) + len(own) * asking
    each = [f"{Path(victim).name} {duration(value)}" for victim, value in seconds.items()]
    parts = f" ({', '.join(each)})" if len(each) > 1 else ""
    there = f", {reused} are there already" if reused else ""
    return f"{counted(len(trainings), 'training')} to run, about {duration(sum(seconds.values()))}{parts}{there}"


def run_training(experiment: Experiment, training: Training, progress: Progress) -> Cell:
    """Train a victim, rank the gallery with it, and return the cell."""
    victim, arm, recipe = training.victim, training.arm, training.recipe
    model = experiment.pool.start(victim, recipe.seed)
    by = "" if training.attacker == AS_USUAL else f", attacker {training.attacker}"
    title = f"{victim}: {arm.data} through {arm.attack.name}{by}, seed {recipe.seed}"
    trained = run(experiment, model, CellTraining(title, arm, recipe, training.hooks), progress)
    ranks, shortcut = experiment.counted(trained.ranks), None
    if arm.data == "protected":
        published = arm.published(int(experiment.gallery.photos.max()) + 1)
        shortcut = scores(retrieve(trained.model, published))
    return Cell(
        victim=victim,
        data=arm.data,
        through=arm.attack.name,
        attacker=training.attacker,
        seed=recipe.seed,
        epochs=recipe.epochs,
        lr=recipe.lr,
        image_to_text=trained.scores.image_to_text,
        text_to_image=trained.scores.text_to_image,
        ranks=RanksRecord(image_to_text=ranks.image_to_text.tolist(), text_to_image=ranks.text_to_image.tolist()),
        shortcut=shortcut,
        crowd=_beside_crowd(experiment, trained),
        loss_curve=trained.loss_curve,
        medr_curve=trained.medr_curve,
        seconds=trained.seconds,
    )


def _beside_crowd(experiment: Experiment, trained: Trained) -> CrowdCell | None:
    """Return what a victim makes of the crowd, whose photos are the last in the gallery; None without one."""
    if experiment.queries is None:
        return None
    others = queries_of(trained.ranks, experiment.gallery, experiment.queries, others=True)
    return CrowdCell(other_text_ranks=others.text_to_image.tolist(), recognised=trained.recognised)
