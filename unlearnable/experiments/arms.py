"""The interface of an arm: one version of the posts, which a victim is trained on."""

from __future__ import annotations

from typing import Protocol

from unlearnable.posts.pairs import Pairs


class Arm(Protocol):
    """One version of the training posts, such as the protected ones after a scraper's JPEG."""

    def pairs(self) -> Pairs:
        """Return the photos and captions to train on."""

    def digest(self) -> str:
        """Return the hex SHA-256 of everything that `pairs` depends on."""
