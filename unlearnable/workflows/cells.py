"""The cells of a study: one victim trained on one arm with one seed; each is kept in a file, and not run twice."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from unlearnable import files
from unlearnable.attacks.base import Attack
from unlearnable.config import Recipe, VerifySettings
from unlearnable.evaluation.embed import retrieve
from unlearnable.progress import Progress
from unlearnable.results import BothWays, Cell, Data
from unlearnable.training.pairs import Pairs
from unlearnable.workflows.arms import Arms
from unlearnable.workflows.fit import Task, figures, fit
from unlearnable.workflows.victims import Victim

VERSION = 1  # of what a cell is; another one runs all cells again


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        settings: of the study.
        arms: what is trained on.
        gallery: what is ranked.
        shown: a digest of the gallery.
        wanted: arms and attacks.
        folder: where cells are kept.
    """

    settings: VerifySettings
    arms: Arms
    gallery: Pairs
    shown: str
    wanted: Sequence[tuple[Data, Attack]]
    folder: Path


@dataclass
class Done:
    """The cells, and each victim's ranks before training."""

    pretrained: dict[str, BothWays] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    ran: int = 0


def run_cells(plan: Plan, victims: Sequence[Victim], *, overwrite: bool, progress: Progress) -> Done:
    """Run every cell that is not there already, victim by victim, seed by seed."""
    done = Done()
    data = {(arm, attack.name): plan.arms.digest(arm, attack) for arm, attack in plan.wanted}
    for victim in victims:
        if not victim.from_scratch:
            there, back = figures(retrieve(victim.model, plan.gallery))
            done.pretrained[victim.name] = BothWays(image_to_text=there, text_to_image=back)
        start = victim.digest()
        for seed in dict.fromkeys(plan.settings.seeds):
            recipe = victim.recipe(plan.settings, seed)
            for arm, attack in plan.wanted:
                trained = data[arm, attack.name]
                parts = [VERSION, arm, attack.name, recipe.model_dump_json(), start, trained, plan.shown]
                path = plan.folder / _name(victim.name, arm, attack.name, seed, parts)
                cell = None if overwrite else _read(path)
                if cell is None:
                    cell = _run(plan, victim, arm, attack, recipe, progress)
                    files.write_text(path, cell.model_dump_json() + "\n")
                    done.ran += 1
                done.cells.append(cell.model_copy(update={"victim": victim.name}))
    return done


def _run(plan: Plan, victim: Victim, arm: Data, attack: Attack, recipe: Recipe, progress: Progress) -> Cell:
    began = time.monotonic()
    model = victim.start(recipe.seed)
    task = Task(plan.arms.pairs(arm, attack), plan.gallery, recipe)
    progress.phase(f"{victim.name}: {arm} through {attack.name}, seed {recipe.seed}", task.steps)
    history = fit(model, task, progress)
    there, back = figures(retrieve(model, plan.gallery))
    shortcut = None
    if arm == "protected":
        count = min(len(plan.arms.posts), int(plan.gallery.photos.max()) + 1)
        first, second = figures(retrieve(model, plan.arms.published(attack, range(count))))
        shortcut = BothWays(image_to_text=first, text_to_image=second)
    return Cell(
        victim=victim.name,
        data=arm,
        through=attack.name,
        seed=recipe.seed,
        epochs=recipe.epochs,
        lr=recipe.lr,
        image_to_text=there,
        text_to_image=back,
        shortcut=shortcut,
        loss_curve=[record.loss for record in history],
        medr_curve=[record.text_to_image.medr for record in history if record.text_to_image],
        seconds=round(time.monotonic() - began, 1),
    )


def _name(victim: str, arm: str, through: str, seed: int, parts: Sequence[object]) -> str:
    digest = hashlib.sha256(repr(list(parts)).encode()).hexdigest()[:8]
    plain = re.sub(r"[^A-Za-z0-9]+", "-", Path(victim).stem if "/" in victim else victim)
    return f"{plain}-{arm}-{through}-{seed}-{digest}.json"


def _read(path: Path) -> Cell | None:
    """The cell in a file, or None where there is none that can be read."""
    try:
        return Cell.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
