"""`verify`: train victims on clean and on protected posts, and report what each learnt about held-out photos.

A cell is one victim trained on one version of the posts; those of earlier runs are used again.
"""

import hashlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from unlearnable.errors import InputError
from unlearnable.models.device import choose_device
from unlearnable.models.openclip import fetch
from unlearnable.report import ArmName, Cell, CrowdCell, RanksRecord, VerifyReport
from unlearnable.settings import AS_PUBLISHED, AS_USUAL, SUITES, VerifySettings, absolute
from unlearnable.storage import files, folders
from unlearnable.storage.folders import check_apart, refuse_among, refuse_published
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import DecodedPosts, Pixels, pairs_of, read_all
from unlearnable.training.loop import Recipe, recipe_for
from unlearnable.training.retrieval import chance, queries_of, retrieve, scores
from unlearnable.verify.attackers import ATTACKERS
from unlearnable.verify.attacks import catalogue, parse_attack
from unlearnable.verify.attacks.base import Attack
from unlearnable.verify.cells import Arms, CellStore, Experiment, Key, ModelPool, train_victim, version_of_cells
from unlearnable.verify.copies import Split, divide, open_others, refuse_wrong_pair, without_near
from unlearnable.verify.crowd import Crowd, apart, asked_for, leaked_posts, open_crowd
from unlearnable.verify.findings import Rule, parse_rule
from unlearnable.verify.summary import CellResults, Study, note_on_few, summarise, verify_page
from unlearnable.wording import counted

ABLATIONS: tuple[ArmName, ...] = ("noise-only", "trigger-only", "random")
VERSION = version_of_cells(5)  # cells have their ranks, and what they make of a crowd
CELLS = "cells"  # folder of the cells


class WantedCell(NamedTuple):
    """A version of the posts, what a scraper does to it, and who trains on it, by name."""

    data: ArmName
    attack: Attack
    attacker: str


def wanted(settings: VerifySettings) -> list[WantedCell]:
    """Return the cells of each victim and seed, attacker by attacker, each beginning with clean posts.

    Attacks of a suite meet the plain attacker, and its attackers posts as they were published; what is asked for
    besides is combined, each attack with each attacker. Beside a crowd each attacker also trains on its posts alone,
    and, unless none are to leak, on protected posts with some that leaked clean, through the attacks that are asked for
    by name.
    """
    attacks = {attacker: {name: parse_attack(name) for name in settings.through} for attacker in settings.attackers}
    for name, attacker in _of_suite(settings):
        attacks.setdefault(attacker, {}).setdefault(name, parse_attack(name))
    for attacker in attacks:
        ATTACKERS.summary(attacker)  # refuses one that does not exist
    return [cell for name, own in attacks.items() for cell in _of_attacker(settings, name, own)]


def _of_suite(settings: VerifySettings) -> Iterator[tuple[str, str]]:
    """Yield pairs of attack and attacker of the suite."""
    if settings.suite is None:
        return
    suite = SUITES[settings.suite]
    yield from ((name, AS_USUAL) for name in ([*catalogue(), *suite.through] if suite.complete else suite.through))
    yield from ((AS_PUBLISHED, name) for name in (ATTACKERS if suite.complete else suite.attackers))


def _of_attacker(settings: VerifySettings, attacker: str, attacks: Mapping[str, Attack]) -> Iterator[WantedCell]:
    unchanged = parse_attack(AS_PUBLISHED)
    yield WantedCell("clean", unchanged, attacker)
    if settings.suite is not None and SUITES[settings.suite].complete:
        of_photos = (one for one in attacks.values() if len(one.photo_changes) == 1 and not one.caption_changes)
        yield from (WantedCell("clean", one, attacker) for one in of_photos)
    yield from (WantedCell("protected", one, attacker) for one in attacks.values())
    if settings.crowd is not None:
        yield WantedCell("absent", unchanged, attacker)
        if settings.leaked:
            yield from (WantedCell("half", one, attacker) for name, one in attacks.items() if name in settings.through)
    if settings.ablations and attacker in settings.attackers:
        yield from (WantedCell(data, unchanged, attacker) for data in ABLATIONS)


def verify(settings: VerifySettings, *, overwrite: bool = False, progress: Progress | None = None) -> VerifyReport:
    """Measure the protection that the settings name, and write the report beside the protected folder.

    A cell that was run before with the same settings and data is reused, unless `overwrite`.

    Raises:
        ConfigError: an attack or an attacker does not exist, a requirement cannot be read, or folders are exchanged or
            hold the output.
        InputError: originals and protected posts do not match, the run that made these was stopped, or nothing is left
            to train on or to rank.
        ModelError: a victim is not available.
        OutputError: the folder of the report cannot be written or holds a report of something else, or another run is
            writing to it.
    """
    started, rules, folder = time.monotonic(), [parse_rule(text) for text in settings.require], output_folder(settings)
    asked = wanted(settings)
    refuse_wrong_pair(settings.originals, settings.copies)
    for written in (folder, folder / CELLS):
        check_apart(written, settings.originals, settings.copies)
    others = (settings.test, settings.background, settings.crowd, settings.crowd_test)
    refuse_among(folder, *(path.parent if path and path.is_file() else path for path in others))
    refuse_published(folder / "report.json")
    files.refuse_others(folder, "report.json", "report.html")
    with folders.lock_output(folder, folder / ".lock", "run of verify"):
        report = _verified(settings, asked, rules, overwrite=overwrite, progress=progress or Silent())
        report = report.model_copy(update={"seconds": round(time.monotonic() - started, 1)})
        files.write_text(folder / "report.html", verify_page(report))
        files.write_text(folder / "report.json", report.model_dump_json(indent=2) + "\n")
    return report


def output_folder(settings: VerifySettings) -> Path:
    """Return the folder of the report and the cells."""
    copies = absolute(settings).copies
    return settings.output or copies.with_name(f"{copies.name}.verify")


def _verified(
    settings: VerifySettings, asked: Sequence[WantedCell], rules: Sequence[Rule], *, overwrite: bool, progress: Progress
) -> VerifyReport:
    """Run the missing cells; return the report with 0 seconds, which the caller sets."""
    folder, device = output_folder(settings), choose_device(settings.device)
    crowd = open_crowd(settings)
    split = divide(settings, progress, crowd.held_out.paths if crowd else ())
    crowd = crowd and apart(crowd, split)
    leaked = frozenset[int]()
    if crowd and settings.leaked:
        leaked = leaked_posts(len(split.train), settings.leaked, settings.seed)
    fetch(settings.victims, progress)
    pool = ModelPool(device, settings.from_scratch)
    side = max(pool.pretrained(name).image_size for name in settings.victims)
    with folders.scratch_folder() as scratch:
        held_out, experiment = _gallery(pool, split, crowd, side, scratch, progress)
        for line in note_on_few(chance(experiment.gallery, experiment.queries)):
            progress.note(line)
        background, near = _background(settings, split, crowd, side, scratch, progress)
        arms = Arms(split.train, side, scratch, background, settings.seed, leaked)
        arms.read([(cell.data, cell.attack) for cell in asked], progress)
        results = run_cells(experiment, settings, arms, asked, folder / CELLS, overwrite=overwrite, progress=progress)
        study = Study(split, held_out, background, near, experiment, crowd, leaked)
        return summarise(settings, folder, study, results, rules)


def _gallery(
    pool: ModelPool, split: Split, crowd: Crowd | None, side: int, scratch: Path, progress: Progress
) -> tuple[DecodedPosts, Experiment]:
    """Return the photos to rank, the crowd's last, and the victims with them; only the user's own queries count."""
    decoded, own = DecodedPosts(Pixels.create(scratch / "gallery.u8")), 0
    others = crowd.held_out.photos if crowd else []
    progress.phase("reading held-out photos", len(split.held_out.photos) + len(others))
    for held_out in (split.held_out.photos, others):
        own = len(decoded.photos)
        for photo, captions in held_out:
            decoded.add(photo, captions, side)
            progress.advance()
    own = own if crowd else len(decoded.photos)
    if len(decoded.photos) < 2 or not own or (crowd and own == len(decoded.photos)):
        raise InputError("too few held-out photos can be read", hint="fix those files or pass different ones")
    return decoded, Experiment(
        pool,
        pairs_of(decoded.pixels, decoded.captions),
        hashlib.sha256(f"{decoded.pixels.sha256()} {decoded.captions}".encode()).hexdigest(),
        VERSION,
        queries=own if crowd else None,
        identities=asked_for(split, crowd, decoded, own) if crowd else None,
    )


def _background(
    settings: VerifySettings, split: Split, crowd: Crowd | None, side: int, scratch: Path, progress: Progress
) -> tuple[DecodedPosts, list[str]]:
    """Return other people's posts, and those of their photos left out: they are near-duplicates of the user's own."""
    background, near = DecodedPosts(Pixels.create(scratch / "background.u8")), []
    collections = [crowd.train] if crowd else []
    own = [*split.held_out.paths, *(crowd.held_out.paths if crowd else ()), *(one.original.path for one in split.train)]
    if settings.background is not None:
        collections.append(open_others(settings.background, settings))
    for collection in collections:
        dataset, dropped = without_near(collection, own)
        if not dataset.photos:
            raise InputError(
                f"every photo in {dataset.root} is a near-duplicate of a protected or held-out one",
                hint="pass different photos",
            )
        read_all([dataset], side, background, progress)
        background.skipped += dataset.skipped
        near += dropped
    return background, near


class Slot(NamedTuple):
    """A cell of one victim and seed, and all that it depends on."""

    victim: str
    wanted: WantedCell
    recipe: Recipe
    name: str  # of its file
    key: Key


def run_cells(
    experiment: Experiment,
    settings: VerifySettings,
    arms: Arms,
    cells: Sequence[WantedCell],
    folder: Path,
    *,
    overwrite: bool,
    progress: Progress,
) -> CellResults:
    """Run every missing cell, victim by victim and seed by seed, after a note of how many."""
    results, store = CellResults(), CellStore(folder, Cell)
    slots = list(_slots(experiment, settings, arms, cells))
    earlier = [None if overwrite else store.read(slot.name, slot.key) for slot in slots]
    if missing := earlier.count(None):
        there = f", {len(slots) - missing} are there already" if missing < len(slots) else ""
        progress.note(f"{counted(missing, 'training')} to run{there}")
    if not settings.from_scratch:
        for victim in dict.fromkeys(settings.victims):
            ranks = retrieve(experiment.pool.pretrained(victim), experiment.gallery)
            results.pretrained[victim] = scores(experiment.counted(ranks))
    for slot, cell in zip(slots, earlier, strict=True):
        if cell is None:
            cell = _train(experiment, arms, slot, progress)
            store.write(slot.name, slot.key, cell)
            results.ran += 1
        results.cells.append(cell.model_copy(update={"victim": slot.victim}))
    return results


def _slots(experiment: Experiment, settings: VerifySettings, arms: Arms, cells: Sequence[WantedCell]) -> Iterator[Slot]:
    """Yield all cells in the order in which they run."""
    digests = {(one.data, one.attack.name): arms.digest(one.data, one.attack) for one in cells}
    for victim, seed in itertools.product(dict.fromkeys(settings.victims), dict.fromkeys(settings.seeds)):
        architecture, scratch = experiment.pool.architecture(victim), settings.from_scratch
        recipe = recipe_for(settings, architecture, seed=seed, from_scratch=scratch, one_caption=True)
        for one in cells:
            further = {"data": one.data, "through": one.attack.name}
            if one.attacker != AS_USUAL:
                further["attacker"] = one.attacker
            key = experiment.key(victim, digests[one.data, one.attack.name], recipe, seed, **further)
            name = "-".join([Path(victim).stem if "/" in victim else victim, *further.values(), str(seed)])
            yield Slot(victim, one, recipe, name, key)


def _train(experiment: Experiment, arms: Arms, slot: Slot, progress: Progress) -> Cell:
    """Train a victim, rank the gallery with it, and return the cell."""
    victim, (data, attack, attacker), recipe = slot.victim, slot.wanted, slot.recipe
    by = "" if attacker == AS_USUAL else f", attacker {attacker}"
    trained = train_victim(
        experiment,
        experiment.pool.start(victim, recipe.seed),
        arms.pairs(data, attack),
        recipe,
        progress,
        title=f"{victim}: {data} through {attack.name}{by}, seed {recipe.seed}",
        attacker=ATTACKERS[attacker],
    )
    ranks, shortcut, crowd = experiment.counted(trained.ranks), None, None
    if data == "protected":
        published = arms.published(attack, int(experiment.gallery.photos.max()) + 1)
        shortcut = scores(retrieve(trained.model, published))
    if experiment.queries is not None:  # the photos of a crowd are the last in the gallery
        others = queries_of(trained.ranks, experiment.gallery, experiment.queries, others=True)
        crowd = CrowdCell(other_text_ranks=others.text_to_image.tolist(), recognised=trained.recognised)
    return Cell(
        victim=victim,
        data=data,
        through=attack.name,
        attacker=attacker,
        seed=recipe.seed,
        epochs=recipe.epochs,
        lr=recipe.lr,
        image_to_text=trained.scores.image_to_text,
        text_to_image=trained.scores.text_to_image,
        ranks=RanksRecord(image_to_text=ranks.image_to_text.tolist(), text_to_image=ranks.text_to_image.tolist()),
        shortcut=shortcut,
        crowd=crowd,
        loss_curve=trained.loss_curve,
        medr_curve=trained.medr_curve,
        seconds=trained.seconds,
    )
