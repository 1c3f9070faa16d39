"""Run the cells of `verify`: each victim on each arm by each attacker with each seed, reusing cells of earlier runs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlearnable.config import AS_USUAL, Recipe, VerifySettings
from unlearnable.evaluation.embed import retrieve
from unlearnable.evaluation.scores import queries_of, scores
from unlearnable.experiments.cell_store import CellStore
from unlearnable.experiments.cells import CellTraining, Experiment, Trained, run
from unlearnable.experiments.recipe import recipe_for
from unlearnable.progress import Progress
from unlearnable.results import BothWays, Cell, CrowdCell
from unlearnable.training.attacker import Attacker
from unlearnable.workflows.verify.arms import VerifyArm

VERSION = 2


@dataclass(frozen=True)
class Grid:
    """What every victim is trained on and how, with every seed.

    Attributes:
        arms: versions of the posts.
        attackers: who trains, by name; each trains on every arm, so that clean and protected posts compare.
    """

    arms: Sequence[VerifyArm]
    attackers: Mapping[str, Attacker]


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


@dataclass
class CellResults:
    """The results of all cells.

    Attributes:
        pretrained: scores of each victim before training.
        cells: results of the cells.
        ran: number of cells that were run rather than reused.
    """

    pretrained: dict[str, BothWays] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    ran: int = 0


def run_cells(
    experiment: Experiment,
    settings: VerifySettings,
    grid: Grid,
    folder: Path,
    *,
    overwrite: bool,
    progress: Progress,
) -> CellResults:
    """Run every missing cell, victim by victim and seed by seed."""
    results, store = CellResults(), CellStore(folder, Cell)
    if earlier := store.without_key():
        progress.note(f"{earlier} cells of an earlier version in {folder} cannot be used: they are run again")
    digests = {arm: arm.digest() for arm in grid.arms}
    for victim in dict.fromkeys(settings.victims):
        if not settings.from_scratch:
            ranks = retrieve(experiment.pool.pretrained(victim), experiment.gallery)
            results.pretrained[victim] = experiment.score(ranks)
        for seed in dict.fromkeys(settings.seeds):
            recipe = _recipe(experiment, settings, victim, seed)
            for attacker, arm in itertools.product(grid.attackers, grid.arms):
                further = _further(arm, attacker)
                key = experiment.key(victim, digests[arm], recipe, seed, **further)
                name = "-".join([Path(victim).stem if "/" in victim else victim, *further.values(), str(seed)])
                cell = None if overwrite else store.read(name, key)
                if cell is None:
                    training = Training(victim, arm, attacker, grid.attackers[attacker], recipe)
                    cell = _run(experiment, training, progress)
                    store.write(name, key, cell)
                    results.ran += 1
                results.cells.append(cell.model_copy(update={"victim": victim}))
    return results


def _recipe(experiment: Experiment, settings: VerifySettings, victim: str, seed: int) -> Recipe:
    return recipe_for(
        settings,
        experiment.pool.architecture(victim),
        epochs=settings.epochs,
        lr=settings.lr,
        seed=seed,
        from_scratch=settings.from_scratch,
    )


def _further(arm: VerifyArm, attacker: str) -> dict[str, str]:
    """Return what a cell's key and name hold of arm and attacker; a plain cell has the key that it always had."""
    further = {"data": arm.data, "through": arm.attack.name}
    return further if attacker == AS_USUAL else {**further, "attacker": attacker}


def _run(experiment: Experiment, training: Training, progress: Progress) -> Cell:
    victim, arm, recipe = training.victim, training.arm, training.recipe
    model = experiment.pool.start(victim, recipe.seed)
    by = "" if training.attacker == AS_USUAL else f", attacker {training.attacker}"
    title = f"{victim}: {arm.data} through {arm.attack.name}{by}, seed {recipe.seed}"
    trained = run(experiment, model, CellTraining(title, arm, recipe, training.hooks), progress)
    shortcut = None
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
        shortcut=shortcut,
        crowd=_beside_crowd(experiment, trained),
        loss_curve=trained.loss_curve,
        medr_curve=trained.medr_curve,
        seconds=trained.seconds,
    )


def _beside_crowd(experiment: Experiment, trained: Trained) -> CrowdCell | None:
    """Return the ranks of a training beside a crowd, whose photos are the last in the gallery; None without one."""
    if experiment.queries is None:
        return None
    own = queries_of(trained.ranks, experiment.gallery, experiment.queries)
    others = queries_of(trained.ranks, experiment.gallery, experiment.queries, others=True)
    return CrowdCell(
        image_ranks=own.image_to_text.tolist(),
        text_ranks=own.text_to_image.tolist(),
        other_text_ranks=others.text_to_image.tolist(),
        recognised=trained.recognised,
    )
