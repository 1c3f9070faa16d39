"""The posts to protect, and the models that stand for the ones nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import Tensor

from unlearnable.grouping import grouped
from unlearnable.methods.resemblance import Resemblance
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import Trigger
from unlearnable.models.vocabulary import Vocabulary
from unlearnable.posts.pixels import Posts, Shape
from unlearnable.training.distributed import ALONE, World


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
        seed: of the one generator that all randomness is drawn from.
        leaders: for each post, the one whose trigger it takes: itself, or an earlier one with the same caption in the
            caption file, as photos of a carousel have, or with a photo of the same content; empty where every post
            leads itself.
        equal: groups of photos of one content, which get one noise.
        witness: a model of another family than the surrogates, which also says which words describe a photo.
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
    towers: tuple[DualEncoder, ...] = ()
    seed: int = 0
    leaders: tuple[int, ...] = ()
    equal: tuple[tuple[int, ...], ...] = ()
    witness: DualEncoder | None = None
    resemblance: Resemblance | None = None
    world: World = ALONE

    def led(self, triggers: Tensor) -> Tensor:
        """Return triggers (n, k) in which every post has its leader's."""
        return triggers[list(self.leaders)] if self.leaders else triggers

    def allowed(self, photo: int) -> Tensor:
        """Return (v,) bool: the concepts that the trigger of a post may hold, which its followers take too."""
        return self.allowed_to_all(self._followers.get(photo, [photo]))

    @cached_property
    def _followers(self) -> dict[int, list[int]]:
        """The posts that take a leader's trigger, itself among them."""
        return grouped((leader, post) for post, leader in enumerate(self.leaders))

    def allowed_to_all(self, photos: Sequence[int]) -> Tensor:
        """Return (v,) bool: the concepts that one trigger of several posts may hold.

        None is in their captions or describes their photos.
        """
        allowed = self.vocabulary.allowed(text for n in photos for text in self.captions[n])
        return allowed if self.resemblance is None else allowed & ~self.resemblance.describing(photos)

    def trigger(self, photo: int, numbers: Sequence[int]) -> Trigger:
        """Return a trigger of a photo in the language of its first caption."""
        return self.vocabulary.trigger(numbers, self.posts.slots[photo][0].language)

    @property
    def models(self) -> tuple[DualEncoder, ...]:
        """All models that the noise is made on."""
        return (*self.surrogates, *self.towers)
