"""What a scraper may do to published photos and captions before training on them."""

from __future__ import annotations

import re

from unlearnable.errors import ConfigError, UnknownName
from unlearnable.registry import Registry, Row, did_you_mean
from unlearnable.settings import AS_PUBLISHED
from unlearnable.verify.attacks.base import Attack, AttackChain, AttackFamily

ATTACKS: Registry[AttackFamily] = Registry(
    "attack",
    {
        AS_PUBLISHED: Row(
            "unlearnable.verify.attacks.photos:UNCHANGED",
            "Posts as they were published, JPEG or not: nothing changes; what the others are to be compared with.",
        ),
        "jpeg": Row(
            "unlearnable.verify.attacks.photos:JPEG",
            "Photos saved as JPEG of that quality (1 to 100), colour at half size.",
        ),
        "webp": Row(
            "unlearnable.verify.attacks.photos:WEBP",
            "Photos saved as lossy WebP of that quality (0 to 100).",
        ),
        "avif": Row(
            "unlearnable.verify.attacks.photos:AVIF",
            "Photos saved as lossy AVIF of that quality (0 to 100), colour at half size.",
        ),
        "img2dataset": Row(
            "unlearnable.verify.attacks.photos:IMG2DATASET",
            "Photos as img2dataset keeps them by default: 256 x 256 with a white border, JPEG of quality 95.",
        ),
        "social": Row(
            "unlearnable.verify.attacks.photos:SOCIAL",
            "Photos as a social site keeps them: long side at most that many pixels, JPEG of quality 80.",
        ),
        "resize": Row(
            "unlearnable.verify.attacks.photos:RESIZE",
            "Photos reduced by bicubic until the short side has at most that many pixels.",
        ),
        "downup": Row(
            "unlearnable.verify.attacks.photos:DOWNUP",
            "Photos reduced to that many per cent of each side and enlarged again, both by bicubic.",
        ),
        "grayscale": Row(
            "unlearnable.verify.attacks.photos:GRAYSCALE",
            "Photos in greys: the brightness in all three channels.",
        ),
        "blur": Row(
            "unlearnable.verify.attacks.photos:BLUR",
            "Photos blurred by a Gaussian whose standard deviation is that many pixels.",
        ),
        "sharpen": Row(
            "unlearnable.verify.attacks.photos:SHARPEN",
            "Photos sharpened by an unsharp mask of that many per cent and radius 2.",
        ),
        "median": Row(
            "unlearnable.verify.attacks.photos:MEDIAN",
            "Photos with each value replaced by the median of a square of that many pixels a side.",
        ),
        "bits": Row(
            "unlearnable.verify.attacks.photos:BITS",
            "Photos with only that many bits a channel (1 to 8); each value becomes the middle of its step.",
        ),
        "rotate": Row(
            "unlearnable.verify.attacks.filters:ROTATE",
            "Photos turned left by that many degrees in the same size, the corners filled by reflection.",
        ),
        "noise": Row(
            "unlearnable.verify.attacks.filters:NOISE",
            "Photos with Gaussian noise of that standard deviation in 1/255, the same for the same photo.",
        ),
        "tv": Row(
            "unlearnable.verify.attacks.filters:TV",
            "Photos denoised by total variation (Chambolle) with that weight in hundredths.",
        ),
        "nlmeans": Row(
            "unlearnable.verify.attacks.filters:NLMEANS",
            "Photos denoised by non-local means, as strongly as the noise that is estimated in them.",
        ),
        "wavelet": Row(
            "unlearnable.verify.attacks.filters:WAVELET",
            "Photos denoised in wavelets by BayesShrink, brightness and colours apart.",
        ),
        "bilateral": Row(
            "unlearnable.verify.attacks.filters:BILATERAL",
            "Photos smoothed by a bilateral filter, which keeps edges.",
        ),
        "strip-trigger": Row(
            "unlearnable.verify.attacks.captions:STRIP_TRIGGER",
            "Captions without their first words: three, or that many; a caption as short as that keeps its last word.",
        ),
        "plain-letters": Row(
            "unlearnable.verify.attacks.captions:PLAIN_LETTERS",
            "Captions whose letters that look like Latin ones are Latin again, against `--names lookalike`.",
        ),
        "shuffle-words": Row(
            "unlearnable.verify.attacks.captions:SHUFFLE_WORDS",
            "Captions with their words in another order, the same one for the same caption.",
        ),
        "drop-odd-words": Row(
            "unlearnable.verify.attacks.odd_words:DROP_ODD_WORDS",
            "Captions without words that surprise a language model by more than 9 nats, or that many (after ONION).",
        ),
    },
    base="unlearnable.verify.attacks.base:AttackFamily",
)
_NUMBERED = re.compile(r"(.+)-(0|[1-9][0-9]{0,8})", re.ASCII)


def parse_attack(name: str) -> Attack:
    """Return the attack of that name: a family, most with a number ("jpeg-75"); "+" joins several, left to right.

    Raises:
        ConfigError: there is none, its number is out of range, or a number is missing or one too many.
    """
    parts = tuple(_one(part) for part in name.split("+"))
    return parts[0] if len(parts) == 1 else AttackChain(name, parts)


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
