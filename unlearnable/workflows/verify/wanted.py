"""Which cells a run of `verify` needs: every attack by every attacker that is asked for, and those of a suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from unlearnable.attackers import ATTACKERS
from unlearnable.attacks import catalogue, parse_attack
from unlearnable.attacks.base import Attack, PhotoAttack
from unlearnable.config import AS_PUBLISHED, AS_USUAL, NEVER_TESTED, SUITES, VerifySettings
from unlearnable.errors import ConfigError
from unlearnable.results import ArmName
from unlearnable.training.attacker import Attacker

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
    and, unless none are to leak, on protected posts of which some leaked clean, through the attacks that are asked for
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
    attackers = [name for name, _ in ATTACKERS.loadable()] if suite.complete else suite.attackers
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
