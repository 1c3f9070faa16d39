"""What a method needs to resume: everything that is not in its state is forgotten."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from unlearnable.methods.noise_store import NoiseStore
from unlearnable.models.dual_encoder import DualEncoder


@dataclass
class RoundProgress:
    """Progress within the current round.

    Attributes:
        trained: surrogate steps done.
        loss: the part of the round's mean surrogate loss that those steps make up.
        batches: the batches of photos still to come; None before they are drawn.
        changed: triggers that were changed.
        losses: the losses of the first posts, as measured at the end of the round.
    """

    trained: int = 0
    loss: float = 0.0
    batches: list[list[int]] | None = None
    changed: int = 0
    losses: list[float] = field(default_factory=list)


@dataclass
class State:
    """The state that every method has; a method with more to remember adds fields, `export` and `restore`.

    Attributes:
        noise: one noise a photo.
        triggers: (n, k) numbers of concepts in the vocabulary; k = 0 for methods without a trigger.
        models: the surrogates as trained so far.
        optimisers: one a surrogate.
        generator: the RNG for everything the method draws.
        losses: (n,) loss of each post after the last round; infinite before the first.
        round: rounds done.
        place: progress within the current round.
    """

    noise: NoiseStore
    triggers: Tensor
    models: list[DualEncoder]
    optimisers: list[torch.optim.Optimizer]
    generator: torch.Generator
    losses: Tensor
    round: int = 0
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
        self.losses = exported["losses"].clone()
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


@dataclass
class RestingState(State):
    """The state of a method that lets posts rest whose loss is low.

    Attributes:
        resting: (n,) posts that need no noise steps at present.
    """

    resting: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.resting = torch.zeros(len(self.losses), dtype=torch.bool)

    def export(self) -> dict[str, Any]:
        """Return the state as plain tensors and numbers."""
        return {**super().export(), "resting": self.resting}

    def restore(self, exported: dict[str, Any]) -> None:
        """Become the state that was exported last."""
        super().restore(exported)
        self.resting = exported["resting"].clone()
