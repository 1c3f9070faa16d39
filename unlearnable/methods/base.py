"""What every method works on, and what it is: a way to make noise and triggers, as rounds of a session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from torch import Tensor

from unlearnable.methods.state import State
from unlearnable.methods.words import Resemblance
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import Trigger, Vocabulary
from unlearnable.settings import MethodSettings
from unlearnable.training.data import Posts, Shape
from unlearnable.training.distributed import ALONE, World
from unlearnable.wording import grouped


@dataclass(frozen=True)
class Problem:
    """What a method works on.

    Attributes:
        posts: working copies and captions.
        grids: the shape of each photo's noise.
        captions: the words of each photo's captions, which a trigger must not hold.
        surrogates: pretrained models; a method trains copies of them.
        proxies: further pretrained models, of other families, whose features the noise is to shift too.
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
    proxies: tuple[DualEncoder, ...] = ()
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
        return (*self.surrogates, *self.proxies)


StateT = TypeVar("StateT", bound=State, covariant=True)


@dataclass(frozen=True)
class Session(Generic[StateT]):
    """One run of a method.

    Attributes:
        problem: the posts and the surrogates.
        settings: those of the method.
        state: changed in place by every step.
    """

    problem: Problem
    settings: MethodSettings
    state: StateT


AnySession = Session[State]


@dataclass(frozen=True)
class Round:
    """One round done.

    Attributes:
        number: counted from 1.
        loss: the mean loss over all posts after it.
        metrics: further figures by name.
    """

    number: int
    loss: float
    metrics: dict[str, float]


@runtime_checkable
class Method(Protocol):
    """A way to make noise and triggers. It never prints, saves or stops by itself.

    Attributes:
        name: its name in the registry.
        has_trigger: whether captions get words.
        lowers_loss: whether the posts it makes have a clearly lower loss than the clean ones; a run whose
            posts have not is refused.
    """

    name: ClassVar[str]
    has_trigger: ClassVar[bool]
    lowers_loss: ClassVar[bool]

    def start(self, problem: Problem, settings: MethodSettings) -> AnySession:
        """Return the session before the first round."""

    def rounds(self, session: Any) -> Iterator[Round | None]:
        """Improve the state of a session from `start`, in place, until `settings.max_rounds`; yield every round.

        None is yielded wherever in a round the state may be exported and resumed from.
        """


def settings_for(method: type[Method] | Method, given: MethodSettings) -> MethodSettings:
    """Return the settings of a method: of those that there are, only MEM shifts features in proxies."""
    return given if method.name == "mem" else replace(given, proxies=(), proxy_weight=0.0)
