"""Named sets of attacks and attackers for `verify`, so that nobody has to know their names."""

from __future__ import annotations

from typing import Literal, NamedTuple

from unlearnable.config.attacks import AS_PUBLISHED

SuiteName = Literal["quick", "standard", "full"]


class AttackSuite(NamedTuple):
    """Attacks that the plain attacker meets posts through, and attackers who train on posts as they were published.

    Attributes:
        through: attacks.
        attackers: attackers besides the plain one.
        complete: whether all attacks and attackers that are installed belong to it too, and clean posts go through each
            attack on photos as well, so that it can be told what the attack itself costs.
    """

    through: tuple[str, ...]
    attackers: tuple[str, ...]
    complete: bool = False


SUITES: dict[SuiteName, AttackSuite] = {
    "quick": AttackSuite((AS_PUBLISHED, "jpeg-75", "strip-trigger"), ()),
    "standard": AttackSuite(
        (
            AS_PUBLISHED, "jpeg-75", "jpeg-10", "avif-60", "downup-50", "grayscale", "noise-8", "tv-5", "nlmeans",
            "wavelet", "sharpen-150", "rotate-5", "strip-trigger", "drop-odd-words",
        ),
        (
            "cutout", "cutmix", "mixup", "ueraser-max", "adversarial", "frozen", "probe", "drop-dissimilar",
            "recaption-nearest", "orthogonal-projection",
        ),
    ),
    "full": AttackSuite(
        ("resize-512+jpeg-75", "grayscale+strip-trigger", "downup-50+jpeg-75+strip-trigger"), (), complete=True
    ),
}  # fmt: skip

NEVER_TESTED = ("diffusion purification", "recaptioning by a large vision-language model")
"""What attackers are known to do and no suite holds."""
