"""Which cells a run of `verify` needs, and the trainings that fill them; cells of earlier runs are used again."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from unlearnable.errors import ConfigError, InputError
from unlearnable.report import ArmName, BothWays, Cell, CrowdCell, RanksRecord
from unlearnable.settings import AS_PUBLISHED, AS_USUAL, NEVER_TESTED, SUITES, VerifySettings
from unlearnable.storage.progress import Progress
from unlearnable.training.attacker import Attacker
from unlearnable.training.loop import Recipe, recipe_for
from unlearnable.training.retrieval import queries_of, retrieve, scores
from unlearnable.verify.arms import VerifyArm
from unlearnable.verify.attackers import ATTACKERS
from unlearnable.verify.attacks import catalogue, parse_attack
from unlearnable.verify.attacks.base import Attack, PhotoAttack
from unlearnable.verify.cells import CellStore, CellTraining, Experiment, Key, Trained, digest_of, run, version_of_cells
from unlearnable.wording import counted

ABLATIONS: tuple[ArmName, ...] = ("noise-only", "trigger-only", "random")


class WantedCell(NamedTuple):
    """A version of the posts, what a scraper does to it, and who trains on it, by name."""

    data: ArmName
    attack: Attack
    attacker: str


@dataclass(frozen=True)
class Wanted:
    """What victims are to be trained on.

    Attributes:
        cells: cells of each victim and seed, attacker by attacker, each beginning with clean posts.
        attackers: attackers by name.
        not_tested: what no cell tests, in words.
    """

    cells: list[WantedCell]
    attackers: Mapping[str, Attacker]
    not_tested: list[str]


def wanted(settings: VerifySettings) -> Wanted:
    """Return the cells that the settings ask for.

    Attacks of a suite meet the plain attacker, and its attackers posts as they were published; what is asked for
    besides is combined, each attack with each attacker. Beside a crowd each attacker also trains on its posts alone,
    and, unless none are to leak, on protected posts with some that leaked clean, through the attacks that are asked for
    by name.

    Raises:
        ConfigError: an attack or an attacker that is asked for by name does not exist or cannot be made here.
    """
    attacks = {attacker: {name: parse_attack(name) for name in settings.through} for attacker in settings.attackers}
    not_tested = list(NEVER_TESTED)
    for name, attacker in _star(settings):
        try:
            attacks.setdefault(attacker, {}).setdefault(name, parse_attack(name))
        except ConfigError as error:  # this installation lacks what it takes
            not_tested.append(error.line)
    cells = [cell for attacker, met in attacks.items() for cell in _of_attacker(settings, attacker, met)]
    return Wanted(cells, {name: ATTACKERS[name] for name in attacks}, not_tested)


def _star(settings: VerifySettings) -> Iterator[tuple[str, str]]:
    """Yield pairs of attack and attacker of the suite."""
    if settings.suite is None:
        return
    suite = SUITES[settings.suite]
    through = [*catalogue(), *suite.through] if suite.complete else suite.through
    attackers = [*ATTACKERS] if suite.complete else suite.attackers
    yield from ((name, AS_USUAL) for name in through)
    yield from ((AS_PUBLISHED, name) for name in attackers)


def _of_attacker(settings: VerifySettings, attacker: str, attacks: Mapping[str, Attack]) -> Iterator[WantedCell]:
    unchanged = parse_attack(AS_PUBLISHED)
    yield WantedCell("clean", unchanged, attacker)
    if settings.suite is not None and SUITES[settings.suite].complete:
        yield from (WantedCell("clean", one, attacker) for one in attacks.values() if isinstance(one, PhotoAttack))
    yield from (WantedCell("protected", one, attacker) for one in attacks.values())
    if settings.crowd is not None:
        yield WantedCell("absent", unchanged, attacker)
    if settings.crowd is not None and settings.leaked:
        yield from (WantedCell("half", one, attacker) for name, one in attacks.items() if name in settings.through)
    if settings.ablations and attacker in settings.attackers:
        yield from (WantedCell(data, unchanged, attacker) for data in ABLATIONS)


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
    """Run every missing cell, victim by victim and seed by seed, after a note of how many.

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
        progress.note(f"{counted(len(missing), 'training')} to run" + (f", {there} are there already" if there else ""))
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
        recipe = recipe_for(settings, architecture, seed=seed, from_scratch=settings.from_scratch, one_caption=True)
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
    return further if attacker == AS_USUAL else {**further, "attacker": attacker}
