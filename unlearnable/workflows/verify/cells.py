"""Run the cells of `verify`: each victim on each arm with each seed, reusing cells of earlier runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlearnable.config import Recipe, VerifySettings
from unlearnable.evaluation.embed import retrieve
from unlearnable.evaluation.scores import scores
from unlearnable.experiments.cell_store import CellStore
from unlearnable.experiments.cells import Experiment, run
from unlearnable.experiments.recipe import recipe_for
from unlearnable.progress import Progress
from unlearnable.results import BothWays, Cell
from unlearnable.workflows.verify.arms import VerifyArm

VERSION = 2


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
    arms: Sequence[VerifyArm],
    folder: Path,
    *,
    overwrite: bool,
    progress: Progress,
) -> CellResults:
    """Run every missing cell, victim by victim and seed by seed."""
    results, store = CellResults(), CellStore(folder, Cell)
    if earlier := store.without_key():
        progress.note(f"{earlier} cells of an earlier version in {folder} cannot be used: they are run again")
    digests = {arm: arm.digest() for arm in arms}
    for victim in dict.fromkeys(settings.victims):
        if not settings.from_scratch:
            results.pretrained[victim] = scores(retrieve(experiment.pool.pretrained(victim), experiment.gallery))
        for seed in dict.fromkeys(settings.seeds):
            recipe = _recipe(experiment, settings, victim, seed)
            for arm in arms:
                key = experiment.key(victim, digests[arm], recipe, seed, data=arm.data, through=arm.attack.name)
                name = f"{Path(victim).stem if '/' in victim else victim}-{arm.data}-{arm.attack.name}-{seed}"
                cell = None if overwrite else store.read(name, key)
                if cell is None:
                    cell = _run(experiment, victim, arm, recipe, progress)
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


def _run(experiment: Experiment, victim: str, arm: VerifyArm, recipe: Recipe, progress: Progress) -> Cell:
    model = experiment.pool.start(victim, recipe.seed)
    title = f"{victim}: {arm.data} through {arm.attack.name}, seed {recipe.seed}"
    trained = run(experiment, model, arm, recipe, progress, title=title)
    shortcut = None
    if arm.data == "protected":
        published = arm.published(int(experiment.gallery.photos.max()) + 1)
        shortcut = scores(retrieve(trained.model, published))
    return Cell(
        victim=victim,
        data=arm.data,
        through=arm.attack.name,
        seed=recipe.seed,
        epochs=recipe.epochs,
        lr=recipe.lr,
        image_to_text=trained.scores.image_to_text,
        text_to_image=trained.scores.text_to_image,
        shortcut=shortcut,
        loss_curve=trained.loss_curve,
        medr_curve=trained.medr_curve,
        seconds=trained.seconds,
    )
