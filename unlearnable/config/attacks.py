"""The setting that `verify` and `benchmark` share: the attacks that posts go through before a victim trains on them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

AS_PUBLISHED = "png"
"""The attack that changes nothing: photos and captions stay as they were published."""

Through = Annotated[
    tuple[str, ...],
    Field(
        min_length=1,
        description="Attack that a scraper makes on the posts before training: png changes nothing, "
        "`unlearnable attacks` lists the others.",
    ),
]
"""Names of attacks, which `unlearnable.attacks.parse_attack` reads."""
