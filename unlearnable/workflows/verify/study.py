"""What a `verify` run trained on and ranked."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnable.experiments.cells import Experiment
from unlearnable.posts.reading import DecodedPosts
from unlearnable.results import VictimRecord
from unlearnable.workflows.verify.crowd import Crowd
from unlearnable.workflows.verify.splits import Split


@dataclass(frozen=True)
class Study:
    """The posts that victims were trained on and ranked on.

    Attributes:
        split: training posts and held-out posts.
        held_out: held-out posts that could be decoded.
        background: other people's posts.
        background_near: other people's photos left out as near-duplicates of held-out ones.
        experiment: victims, and held-out pairs to rank.
        crowd: the crowd that the posts are measured in, if there is one; its held-out posts are the last.
        leaked: numbers of the posts that leaked clean, in one of the arms beside a crowd.
        victims: what each victim is to the protection.
    """

    split: Split
    held_out: DecodedPosts
    background: DecodedPosts
    background_near: list[str]
    experiment: Experiment
    crowd: Crowd | None
    leaked: frozenset[int]
    victims: list[VictimRecord]
