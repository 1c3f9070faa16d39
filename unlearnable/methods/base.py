"""What a method works on, the state that it changes, and what it is: noise and triggers, as rounds of a session."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from unlearnable.methods.noise import NoiseStore
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import Trigger, Vocabulary
from unlearnable.settings import Hyperparameters
from unlearnable.training.data import Posts, Shape
from unlearnable.training.distributed import ALONE, World
from unlearnable.wording import grouped

CLOSEST = 0.5  # share of the words that describe a photo to the surrogates: with less, "kittens" stood beside a cat
WITNESSED = 0.25  # the same to the second model, which alone vetoes what surrogates do not know
FOUND = 8  # words closest to a photo, whose near synonyms count too
SYNONYMS = 4  # of each of those: the words closest to it, itself included


@dataclass(frozen=True)
class Resemblance:
    """How close clean photos and words are to each other; features are normalised, one tensor a model."""

    photos: tuple[Tensor, ...]  # (n, d), by the surrogates
    words: tuple[Tensor, ...]  # (v, d) of the vocabulary's words, each alone, in the first language
    witness: tuple[Tensor, Tensor] | None = None  # the same two of a second model, of another family

    def describing(self, photos: Sequence[int]) -> Tensor:
        """Return (v,) bool: the words that describe photos to the surrogates, or to the second model."""
        found = _closest(self.photos, self.words, photos, CLOSEST)
        if self.witness is None:
            return found
        seen, words = self.witness
        return found | _closest([seen], [words], photos, WITNESSED)


def _closest(seen: Sequence[Tensor], words: Sequence[Tensor], photos: Sequence[int], share: float) -> Tensor:
    """Return (v,) bool: a share of the words, those closest to photos on average, synonyms before all others."""
    close = _mean([own @ one[list(photos)].mean(dim=0) for own, one in zip(words, seen, strict=True)])
    found = close.topk(min(FOUND, len(close))).indices
    alike = _mean([own[found] @ own.T for own in words])
    close[alike.topk(min(SYNONYMS, len(close)), dim=1).indices.flatten()] = float("inf")
    describing = torch.zeros(len(close), dtype=torch.bool)
    describing[close.topk(round(share * len(close))).indices] = True
    return describing


def _mean(values: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean(dim=0)


@dataclass(frozen=True)
class Problem:
    """What a method works on."""

    posts: Posts  # working copies and captions
    grids: tuple[Shape, ...]  # the shape of each photo's noise
    captions: tuple[tuple[str, ...], ...]  # of each photo; a trigger must not hold their words
    surrogates: tuple[DualEncoder, ...]  # pretrained models; a method trains copies of them
    vocabulary: Vocabulary  # the words that triggers are made of
    noise_path: Path  # the file of the noise; it exists only where a run is resumed
    proxies: tuple[DualEncoder, ...] = ()  # more pretrained models, whose features the noise is to shift too
    seed: int = 0  # of the one generator that all randomness is drawn from
    leaders: tuple[int, ...] = ()  # the post whose trigger each post takes, itself or an earlier one; empty if itself
    equal: tuple[tuple[int, ...], ...] = ()  # groups of photos of one content, which get one noise
    witness: DualEncoder | None = None  # of another family, which also says which words describe a photo
    resemblance: Resemblance | None = None  # which words describe the photos; None where a trigger may do so
    world: World = ALONE  # processes that share each batch and come to the same state

    def led(self, triggers: Tensor) -> Tensor:
        """Return triggers (n, k) in which every post has its leader's."""
        return triggers[list(self.leaders)] if self.leaders else triggers

    def allowed(self, photo: int) -> Tensor:
        """Return (v,) bool: the concepts that the trigger of a post may hold, which its followers take too.

        None is in their captions or describes their photos.
        """
        photos = self._followers.get(photo, [photo])
        allowed = self.vocabulary.allowed(text for n in photos for text in self.captions[n])
        return allowed if self.resemblance is None else allowed & ~self.resemblance.describing(photos)

    @cached_property
    def _followers(self) -> dict[int, list[int]]:
        """The posts that take a leader's trigger, itself among them."""
        return grouped((leader, post) for post, leader in enumerate(self.leaders))

    def trigger(self, photo: int, numbers: Sequence[int]) -> Trigger:
        """Return a trigger of a photo in the language of its first caption."""
        return self.vocabulary.trigger(numbers, self.posts.slots[photo][0].language)

    @property
    def models(self) -> tuple[DualEncoder, ...]:
        """All models that the noise is made on."""
        return (*self.surrogates, *self.proxies)


@dataclass
class RoundProgress:
    """Progress within the current round."""

    trained: int = 0  # surrogate steps done
    loss: float = 0.0  # the part of the round's mean surrogate loss that those steps make up
    batches: list[list[int]] | None = None  # still to come; None before they are drawn
    changed: int = 0  # triggers
    losses: list[float] = field(default_factory=list)  # of the first posts, as measured at the end of the round


@dataclass
class State:
    """What a method needs to resume: everything that is not in its state is forgotten.

    A method with more to remember adds fields, `export` and `restore`.
    """

    noise: NoiseStore  # one a photo
    triggers: Tensor  # (n, k) numbers of concepts in the vocabulary; k = 0 for methods without a trigger
    models: list[DualEncoder]  # the surrogates as trained so far
    optimisers: list[torch.optim.Optimizer]  # one a surrogate
    generator: torch.Generator  # for everything the method draws
    losses: Tensor  # (n,) of each post after the last round; infinite before the first
    resting: Tensor  # (n,) bool: posts that need no noise steps at present
    round: int = 0  # rounds done
    place: RoundProgress = field(default_factory=RoundProgress)

    def export(self) -> dict[str, Any]:
        """Return the state as plain tensors and numbers, to be written to a checkpoint before the next step.

        The noise stays in its file: call `noise.exported()` once the checkpoint is written.
        """
        return {
            "noise": self.noise.export(),
            "triggers": self.triggers,
            "models": [model.module.state_dict() for model in self.models],
            "optimisers": [each.state_dict() for each in self.optimisers],
            "generator": self.generator.get_state(),
            "losses": self.losses,
            "resting": self.resting,
            "round": self.round,
            "place": asdict(self.place),
        }

    def fixed(self) -> dict[str, Any]:
        """Return what no step to come changes and `export` leaves out, to be written once; empty while all changes."""
        return {}

    def restore(self, exported: dict[str, Any]) -> None:
        """Become the state that was exported last, with what is fixed; it must be of the same problem and settings.

        Raises:
            CheckpointError: the file of the noise is gone.
        """
        self.noise.restore(exported["noise"])
        self.triggers = exported["triggers"].clone()
        restore_training(self.models, self.optimisers, exported["models"], exported["optimisers"])
        self.generator.set_state(exported["generator"])
        self.losses, self.resting = exported["losses"].clone(), exported["resting"].clone()
        self.round, self.place = exported["round"], RoundProgress(**exported["place"])


def restore_training(
    models: list[DualEncoder],
    optimisers: list[torch.optim.Optimizer],
    weights: list[dict[str, Tensor]],
    moments: list[dict[str, Any]],
) -> None:
    """Load exported weights and moments into models and their optimisers."""
    for model, tensors in zip(models, weights, strict=True):
        model.module.load_state_dict(tensors)
    for optimiser, state in zip(optimisers, moments, strict=True):
        optimiser.load_state_dict(copy.deepcopy(state))


StateT = TypeVar("StateT", bound=State, covariant=True)


@dataclass(frozen=True)
class Session(Generic[StateT]):
    """One run of a method; every step changes the state in place."""

    problem: Problem
    settings: Hyperparameters
    state: StateT


AnySession = Session[State]


@dataclass(frozen=True)
class Round:
    """One round done, its number counted from 1, with the mean loss over all posts after it and further figures."""

    number: int
    loss: float
    metrics: dict[str, float]


@runtime_checkable
class Method(Protocol):
    """A way to make noise and triggers. It never prints, saves or stops by itself."""

    name: ClassVar[str]  # in the registry
    has_trigger: ClassVar[bool]  # captions get words
    lowers_loss: ClassVar[bool]  # a run whose posts have not a clearly lower loss than the clean ones is refused

    def start(self, problem: Problem, settings: Hyperparameters) -> AnySession:
        """Return the session before the first round."""

    def rounds(self, session: Any) -> Iterator[Round | None]:
        """Improve the state of a session from `start`, in place, until `settings.max_rounds`; yield every round.

        None is yielded wherever in a round the state may be exported and resumed from.
        """


def settings_for(method: type[Method] | Method, given: Hyperparameters) -> Hyperparameters:
    """Return the settings of a method: of those that there are, only MEM shifts features in proxies."""
    return given if method.name == "mem" else replace(given, proxies=(), proxy_weight=0.0)
