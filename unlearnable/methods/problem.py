"""The posts to protect, and the models that stand for the ones nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from torch import Tensor

from unlearnable.grouping import grouped
from unlearnable.methods.resemblance import Resemblance
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CaptionSlot, Vocabulary
from unlearnable.posts.pixels import Posts
from unlearnable.stores.ragged import Shape
from unlearnable.training.distributed import ALONE, World


class Proposer(Protocol):
    """A language model that knows which words would read naturally in the place of a trigger."""

    def next_word(self, slots: Sequence[CaptionSlot], first: Tensor, length: int) -> Tensor:
        """Return (b, v) log-probabilities of each word of the vocabulary to follow the first (b, j) of `length` words.

        The words are numbers in the vocabulary; a word that the model does not know gets -inf.
        """


@dataclass(frozen=True)
class Problem:
    """What a method works on.

    Attributes:
        posts: working copies and captions.
        grids: the shape of each photo's noise.
        captions: the words of each photo's captions, which a trigger must not hold.
        surrogates: pretrained models; a method trains copies of them.
        towers: further pretrained models, of other families, whose photo towers the noise is to mislead too.
        vocabulary: the words that triggers are made of.
        noise_path: the file of the noise; it exists only where a run is resumed.
        proposer: offers words that read naturally in a caption; None where any word of the vocabulary will do.
        seed: of the one generator that all randomness is drawn from.
        leaders: for each post, the one whose trigger it takes: itself, or an earlier one with the same caption in the
            caption file, as photos of a carousel have, or with a photo of the same content; empty where every post
            leads itself.
        equal: groups of photos of one content, which get one noise.
        borrow_names: how many names of others a caption with a name will mention.
        borrowed: those names, for each name; they join the captions when these are written. Those of an earlier
            result stay: the name that a person's captions with different others have in common would be the true one.
        given_away: the names that borrow none which would fit their photos as well.
        resemblance: which words describe the photos; None where a trigger may do so.
        world: processes that share each batch; all of them run the method, draw the same numbers and come to the same
            state.
    """

    posts: Posts
    grids: tuple[Shape, ...]
    captions: tuple[tuple[str, ...], ...]
    surrogates: tuple[DualEncoder, ...]
    vocabulary: Vocabulary
    noise_path: Path
    proposer: Proposer | None = None
    towers: tuple[DualEncoder, ...] = ()
    seed: int = 0
    leaders: tuple[int, ...] = ()
    equal: tuple[tuple[int, ...], ...] = ()
    borrow_names: int = 0
    borrowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    given_away: tuple[str, ...] = ()
    resemblance: Resemblance | None = None
    world: World = ALONE

    def led(self, triggers: Tensor) -> Tensor:
        """Return triggers (n, k) in which every post has its leader's."""
        return triggers[list(self.leaders)] if self.leaders else triggers

    def allowed(self, photo: int) -> Tensor:
        """Return (v,) bool: the words that the trigger of a post may hold, which its followers take too."""
        return self.allowed_to_all(self._followers.get(photo, [photo]))

    @cached_property
    def _followers(self) -> dict[int, list[int]]:
        """The posts that take a leader's trigger, itself among them."""
        return grouped((leader, post) for post, leader in enumerate(self.leaders))

    def allowed_to_all(self, photos: Sequence[int]) -> Tensor:
        """Return (v,) bool: the words that one trigger of several posts may hold.

        None, but for common ones, is in their captions or describes their photos.
        """
        allowed = self.vocabulary.allowed(text for n in photos for text in self.captions[n])
        return allowed if self.resemblance is None else allowed & ~self.resemblance.describing(photos)

    @property
    def models(self) -> tuple[DualEncoder, ...]:
        """All models that the noise is made on."""
        return (*self.surrogates, *self.towers)
