"""What a victim is trained on: one version of the posts."""

from __future__ import annotations

from typing import Protocol

from unlearnable.posts.pairs import Pairs


class Arm(Protocol):
    """One version of the training posts, such as the protected ones after a scraper's JPEG."""

    def pairs(self) -> Pairs:
        """Return the photos and captions to train on."""

    def digest(self) -> str:
        """Return the sha256 of all that `pairs` depends on."""
