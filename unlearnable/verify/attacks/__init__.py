"""What a scraper may do to published photos and captions before training on them."""

import re

from unlearnable.errors import ConfigError, UnknownName
from unlearnable.registry import Registry, did_you_mean
from unlearnable.verify.attacks import changes  # noqa: F401  (it fills FAMILIES)
from unlearnable.verify.attacks.base import FAMILIES, Attack, AttackFamily

ATTACKS: Registry[AttackFamily] = Registry("attack", FAMILIES, base="unlearnable.verify.attacks.base:AttackFamily")
_NUMBERED = re.compile(r"(.+)-(0|[1-9][0-9]{0,8})", re.ASCII)


def parse_attack(name: str) -> Attack:
    """Return the attack of that name: a family, most with a number ("jpeg-75"); "+" joins several, left to right.

    Raises:
        ConfigError: there is none, its number is out of range, or a number is missing or one too many.
    """
    parts = [_one(part) for part in name.split("+")]
    photo_changes = tuple(change for part in parts for change in part.photo_changes)
    return Attack(name, photo_changes, tuple(change for part in parts for change in part.caption_changes))


def catalogue() -> list[str]:
    """Return the names shown to users: every family, with usual numbers. `parse_attack` takes other numbers too."""
    return [name for key, family in ATTACKS.items() for name in family.names(key)]


def describe(name: str) -> str:
    """Return a sentence about the attack of that name, which is no chain."""
    return ATTACKS.summary(_split(name)[0])


def is_adaptive(name: str) -> bool:
    """Return whether the attack of that name, or a part of the chain, is made against this tool."""
    return any(ATTACKS[_split(part)[0]].adaptive for part in name.split("+"))


def _one(name: str) -> Attack:
    key, number = _split(name)
    if key not in ATTACKS:
        raise UnknownName(f"no attack is called {name!r}", hint=did_you_mean(name, catalogue()))
    family = ATTACKS[key]
    hint = f"write {' or '.join(family.names(key))}"
    if number is None:
        if family.default is None and family.numbers:
            raise ConfigError(f"{name} needs a number, {family.range()}", hint=hint)
        return family.make(name, family.default or 0)
    if not family.numbers:
        raise ConfigError(f"{name}: {key} takes no number", hint=hint)
    if number not in family.numbers:
        raise ConfigError(f"{name}: the number must be {family.range()}", hint=hint)
    return family.make(name, number)


def _split(name: str) -> tuple[str, int | None]:
    """Return the family's name and the number behind it."""
    match = None if name in ATTACKS else _NUMBERED.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)
