"""What a scraper may do to published photos and captions before training on them."""

from __future__ import annotations

import re

from unlearnable.attacks.base import Chain, Countermeasure, Family
from unlearnable.errors import ConfigError
from unlearnable.registry import Registry, did_you_mean

COUNTERMEASURES = Registry(
    "countermeasure",
    {
        "png": "unlearnable.attacks.png:PNG",
        "jpeg": "unlearnable.attacks.jpeg:JPEG",
        "webp": "unlearnable.attacks.webp:WEBP",
        "img2dataset": "unlearnable.attacks.img2dataset:IMG2DATASET",
        "social": "unlearnable.attacks.social:SOCIAL",
        "resize": "unlearnable.attacks.resize:RESIZE",
        "grayscale": "unlearnable.attacks.grayscale:GRAYSCALE",
        "blur": "unlearnable.attacks.blur:BLUR",
        "median": "unlearnable.attacks.median:MEDIAN",
        "bits": "unlearnable.attacks.bits:BITS",
        "strip-trigger": "unlearnable.attacks.strip_trigger:STRIP_TRIGGER",
        "shuffle-words": "unlearnable.attacks.shuffle_words:SHUFFLE_WORDS",
    },
)
_NUMBERED = re.compile(r"(.+)-(0|[1-9][0-9]{0,8})", re.ASCII)


def find(name: str) -> Countermeasure:
    """The countermeasure of that name: a family, most with a number ("jpeg-75"); "+" joins several, left to right.

    Raises:
        ConfigError: there is none, its number is out of range, or it has a number too few or too many.
    """
    parts = tuple(_one(part) for part in name.split("+"))
    return parts[0] if len(parts) == 1 else Chain(name, parts)


def catalogue() -> list[str]:
    """The names shown to users: every family, with usual numbers. `find` takes other numbers too."""
    return [name for family in COUNTERMEASURES for name in _family(family).names(family)]


def describe(name: str) -> str:
    """What the countermeasure of that name does, in a sentence; `name` is no chain."""
    return COUNTERMEASURES.describe(_split(name)[0])


def _one(name: str) -> Countermeasure:
    key, number = _split(name)
    if key not in list(COUNTERMEASURES):  # a registry raises for a name it has not, also for `in`
        raise ConfigError(f"no countermeasure is called {name!r}", hint=did_you_mean(name, catalogue()))
    family = _family(key)
    hint = f"write {' or '.join(family.names(key))}"
    if number is None:
        if family.default is None:
            raise ConfigError(f"{name} needs a number, {family.range()}", hint=hint)
        return family.make(name, family.default)
    if not family.numbers:
        raise ConfigError(f"{name}: {key} takes no number", hint=hint)
    if number not in family.numbers:
        raise ConfigError(f"{name}: the number must be {family.range()}", hint=hint)
    return family.make(name, number)


def _split(name: str) -> tuple[str, int | None]:
    """The family's name and the number behind it."""
    match = None if name in list(COUNTERMEASURES) else _NUMBERED.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def _family(key: str) -> Family:
    family: Family = COUNTERMEASURES[key]
    return family
