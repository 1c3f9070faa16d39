"""Settings of what is done against a protection: before a victim trains on the posts, and in its training."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

AS_PUBLISHED = "png"
"""The attack that changes nothing: photos and captions stay as they were published."""

AS_USUAL = "plain"
"""The attacker that trains as usual."""


def changing(through: str, attacker: str) -> list[str]:
    """Return the names of an attack and an attacker without those that change nothing."""
    return [name for name in (through, attacker) if name not in (AS_PUBLISHED, AS_USUAL)]


Through = Annotated[
    tuple[str, ...],
    Field(
        min_length=1,
        description="Attack that a scraper makes on the posts before training: png changes nothing, "
        "`unlearnable list attacks` lists the others.",
    ),
]
"""Names of attacks, which `unlearnable.verify.attacks.parse_attack` reads."""

Attackers = Annotated[
    tuple[str, ...],
    Field(
        min_length=1,
        description="What an attacker does in the training to get past the protection; the clean posts are trained on "
        "in the same way. plain does nothing.",
    ),
]
"""Names in `unlearnable.verify.attackers.ATTACKERS`."""
