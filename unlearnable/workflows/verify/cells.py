"""Run the cells of `verify`: each victim on the arms by the attackers with each seed, reusing cells of earlier runs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlearnable.attackers import ATTACKERS
from unlearnable.config import AS_USUAL, VerifySettings
from unlearnable.errors import InputError
from unlearnable.evaluation.embed import retrieve
from unlearnable.experiments.cell_store import CellStore, Key, digest_of, version_of_cells
from unlearnable.experiments.cells import Experiment
from unlearnable.experiments.recipe import recipe_for
from unlearnable.progress.reporting import Progress
from unlearnable.results import BothWays, Cell
from unlearnable.training.attacker import Attacker
from unlearnable.workflows.verify.arms import VerifyArm
from unlearnable.workflows.verify.training import Training, estimate, run_training

VERSION = version_of_cells(4)  # cells have their ranks, and what they make of a crowd
THROUGH = "through"  # what a key and a cell call the attack


@dataclass(frozen=True)
class Grid:
    """What every victim is trained on and how, with every seed.

    Attributes:
        pairs: arms and who trains on them, by name; each attacker trains on clean posts too, so that they compare.
        attackers: attackers by name.
    """

    pairs: Sequence[tuple[VerifyArm, str]]
    attackers: Mapping[str, Attacker]


@dataclass(frozen=True)
class Slot:
    """A cell that is wanted.

    Attributes:
        training: its training.
        name: name of its file.
        key: all that it depends on.
        cell: the cell of an earlier run; None where it is to be trained.
    """

    training: Training
    name: str
    key: Key
    cell: Cell | None

    @property
    def work(self) -> str:
        """The hex SHA-256 of what is trained: attacks that leave the same posts, as on small photos, have it alike."""
        return digest_of({part: value for part, value in self.key.items() if part != THROUGH})


@dataclass
class CellResults:
    """The results of all cells.

    Attributes:
        pretrained: scores of each victim before training.
        cells: results of the cells.
        runs: number of cells that were run rather than reused, by attacker.
        not_made: attackers of a suite that these posts give nothing to go by, and why; they have no cells.
    """

    pretrained: dict[str, BothWays] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    not_made: dict[str, str] = field(default_factory=dict)

    @property
    def ran(self) -> int:
        """Number of the cells that were run rather than reused."""
        return self.runs.total()

    def leave_out(self, attacker: str, error: InputError) -> None:
        """Do without an attacker."""
        self.not_made[attacker] = error.line
        self.cells = [cell for cell in self.cells if cell.attacker != attacker]
        self.runs.pop(attacker, None)


def run_cells(
    experiment: Experiment,
    settings: VerifySettings,
    grid: Grid,
    folder: Path,
    *,
    overwrite: bool,
    progress: Progress,
) -> CellResults:
    """Run every missing cell, victim by victim and seed by seed, after a note of how many and about how long.

    Where several attacks leave the same posts, a victim is trained on them once, for all of their cells.

    Raises:
        InputError: an attacker that is asked for by name has nothing to go by in these posts.
    """
    results, store = CellResults(), CellStore(folder, Cell)
    slots = _slots(experiment, settings, grid, store, overwrite=overwrite)
    store.report_unusable(experiment.version, [(slot.name, slot.key) for slot in slots], progress)
    found = {slot.work: slot.cell for slot in slots if slot.cell is not None}
    if missing := {slot.work: slot.training for slot in slots if slot.work not in found}:
        there = sum(slot.cell is not None for slot in slots)
        progress.note(estimate(experiment, list(missing.values()), there))
    if not settings.from_scratch:
        for victim in dict.fromkeys(settings.victims):
            ranks = retrieve(experiment.pool.pretrained(victim), experiment.gallery)
            results.pretrained[victim] = experiment.score(ranks)
    for slot in slots:
        cell, attacker = slot.cell or found.get(slot.work), slot.training.attacker
        if attacker in results.not_made:
            continue
        if cell is None:
            try:
                cell = run_training(experiment, slot.training, progress)
            except InputError as error:
                if attacker in settings.attackers:
                    raise
                results.leave_out(attacker, error)
                continue
            found[slot.work] = cell
            results.runs[attacker] += 1
        if slot.cell is None:
            cell = cell.model_copy(update={THROUGH: slot.training.arm.attack.name})
            store.write(slot.name, slot.key, cell)
        results.cells.append(cell.model_copy(update={"victim": slot.training.victim}))
    return results


def _slots(
    experiment: Experiment, settings: VerifySettings, grid: Grid, store: CellStore[Cell], *, overwrite: bool
) -> list[Slot]:
    """Return all cells in the order in which they run, with those of earlier runs."""
    digests = {arm: arm.digest() for arm in dict.fromkeys(arm for arm, _ in grid.pairs)}
    slots = []
    for victim, seed in itertools.product(dict.fromkeys(settings.victims), dict.fromkeys(settings.seeds)):
        architecture = experiment.pool.architecture(victim)
        recipe = recipe_for(settings, architecture, seed=seed, from_scratch=settings.from_scratch)
        for arm, attacker in grid.pairs:
            further = _further(arm, attacker)
            key = experiment.key(victim, digests[arm], recipe, seed, **further)
            name = "-".join([Path(victim).stem if "/" in victim else victim, *further.values(), str(seed)])
            training = Training(victim, arm, attacker, grid.attackers[attacker], recipe)
            slots.append(Slot(training, name, key, None if overwrite else store.read(name, key)))
    return slots


def _further(arm: VerifyArm, attacker: str) -> dict[str, str]:
    """Return what a cell's key and name hold of arm and attacker; a plain cell has the key that it always had."""
    further = {"data": arm.data, THROUGH: arm.attack.name}
    return further if attacker == AS_USUAL else {**further, "attacker": ATTACKERS.versioned(attacker)}
