"""What every method works on, keeps and reports."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from unlearnable.config import MethodSettings
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CaptionSlot, Vocabulary
from unlearnable.posts.pixels import Posts
from unlearnable.stores.noise import NoiseStore
from unlearnable.stores.ragged import Shape


class Pull(Protocol):
    """A further loss that the noise of photos shall lower."""

    @property
    def model(self) -> DualEncoder:
        """What it is of."""

    def loss(self, pixels: Tensor, photos: Sequence[int]) -> Tensor:
        """Of photos as they are loaded (b, 3, s, s)."""


class Proposer(Protocol):
    """A language model that knows what words would read naturally in the place of a trigger."""

    def next_word(self, slots: Sequence[CaptionSlot], first: Tensor, length: int) -> Tensor:
        """(b, v) log-probability of every word of the vocabulary to follow the first (b, j) of `length` words.

        The words are numbers in the vocabulary; a word the model does not know gets -inf.
        """


@dataclass(frozen=True)
class Problem:
    """The posts to protect and the models that stand for the ones nobody knows.

    Attributes:
        posts: working copies and captions.
        grids: the shape of each photo's noise.
        captions: the words of each photo's captions, for the words a trigger must not hold.
        surrogates: pretrained models; a method trains copies of them.
        vocabulary: the words triggers are made of.
        noise_path: the file of the noise, which is only there where a run goes on.
        proposer: offers words that read naturally in a caption; None where any word of the vocabulary will do.
        seed: of the one generator all randomness comes from.
    """

    posts: Posts
    grids: tuple[Shape, ...]
    captions: tuple[tuple[str, ...], ...]
    surrogates: tuple[DualEncoder, ...]
    vocabulary: Vocabulary
    noise_path: Path
    proposer: Proposer | None = None
    seed: int = 0


@dataclass
class RoundProgress:
    """How far a round has come.

    Attributes:
        trained: surrogate steps done.
        loss: of these steps, as much of the mean over all of the round as they make up.
        batches: the batches of photos to come; None where they are not drawn yet.
        changed: triggers that were changed.
        losses: of the first posts, as measured at the end.
    """

    trained: int = 0
    loss: float = 0.0
    batches: list[list[int]] | None = None
    changed: int = 0
    losses: list[float] = field(default_factory=list)


@dataclass
class State:
    """Everything a method needs to go on from here; what is not in it is forgotten on resume.

    Attributes:
        noise: one noise a photo.
        triggers: (n, k) token ids; k = 0 for methods without a trigger.
        models: the surrogates as trained so far.
        optimisers: one a surrogate.
        generator: all randomness.
        adversaries: copies of the surrogates that learn the clean posts; none where the settings ask for none.
        adversary_optimisers: one of each.
        learnt: training steps of theirs that are done.
        round: rounds done.
        place: in the round that is under way.
        losses: (n,) loss of each post after the last round.
        resting: (n,) posts that need no noise steps at present.
        settled: whether the triggers have stopped changing.
    """

    noise: NoiseStore
    triggers: Tensor
    models: list[DualEncoder]
    optimisers: list[torch.optim.Optimizer]
    generator: torch.Generator
    adversaries: list[DualEncoder] = field(default_factory=list)
    adversary_optimisers: list[torch.optim.Optimizer] = field(default_factory=list)
    learnt: int = 0
    round: int = 0
    place: RoundProgress = field(default_factory=RoundProgress)
    losses: Tensor = field(default_factory=lambda: torch.zeros(0))
    resting: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))
    settled: bool = False

    def export(self) -> dict[str, Any]:
        """The state as plain tensors and numbers, to be written to a checkpoint before another step.

        The noise stays in its file: call `noise.exported()` once the checkpoint is written.
        """
        return {
            "noise": self.noise.export(),
            "triggers": self.triggers,
            "models": [model.module.state_dict() for model in (*self.models, *self.adversaries)],
            "optimisers": [each.state_dict() for each in (*self.optimisers, *self.adversary_optimisers)],
            "learnt": self.learnt,
            "generator": self.generator.get_state(),
            "round": self.round,
            "place": asdict(self.place),
            "losses": self.losses,
            "resting": self.resting,
            "settled": self.settled,
        }

    def restore(self, exported: dict[str, Any]) -> None:
        """Become the state that was exported last; this one must come from the same problem and settings.

        Raises:
            CheckpointError: the file of the noise is gone.
        """
        self.noise.restore(exported["noise"])
        self.triggers = exported["triggers"].clone()
        for model, weights in zip((*self.models, *self.adversaries), exported["models"], strict=True):
            model.module.load_state_dict(weights)
        optimisers = (*self.optimisers, *self.adversary_optimisers)
        for optimiser, moments in zip(optimisers, exported["optimisers"], strict=True):
            optimiser.load_state_dict(copy.deepcopy(moments))
        self.generator.set_state(exported["generator"])
        self.learnt = exported["learnt"]
        self.round, self.place, self.settled = (
            exported["round"],
            RoundProgress(**exported["place"]),
            exported["settled"],
        )
        self.losses, self.resting = exported["losses"].clone(), exported["resting"].clone()


@dataclass(frozen=True)
class Round:
    """One round done: its number from 1, the mean loss over all posts after it, and further figures."""

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

    def start(self, problem: Problem, settings: MethodSettings) -> State:
        """The state before the first round."""

    def rounds(self, problem: Problem, settings: MethodSettings, state: State) -> Iterator[Round | None]:
        """Improve the state in place until `settings.max_rounds`: every round is an item.

        So is None wherever in a round the state may be exported, and gone on from.
        """
