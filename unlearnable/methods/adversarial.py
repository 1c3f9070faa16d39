"""The adversarial part of MEM's noise: surrogates that have learnt the clean posts, and what they shall see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnable.config import MethodSettings
from unlearnable.methods import steps
from unlearnable.methods.base import Problem, State
from unlearnable.methods.measure import in_order
from unlearnable.models.architectures import tuning_rate
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.optim.adversarial import centres_of, elsewhere, group, pull
from unlearnable.posts.pixels import tokens_of
from unlearnable.training.optimiser import adamw

PHOTOS_A_GROUP, FEWEST, MOST = 8, 8, 256


@dataclass(frozen=True)
class Adversary:
    """A model that has learnt the clean posts.

    Attributes:
        model: in evaluation mode.
        centres: (g, d) its features of the groups of captions.
        wanted: (n,) the group that it shall see in each photo.
        weight: of its loss beside the surrogates'.
    """

    model: DualEncoder
    centres: Tensor
    wanted: Tensor
    weight: float

    def loss(self, pixels: Tensor, photos: Sequence[int]) -> Tensor:
        """Of photos as they are loaded (b, 3, s, s)."""
        model, wanted = self.model, self.wanted[list(photos)]
        features = model.encode_image(pixels.to(model.device))
        return self.weight * pull(features, self.centres, wanted.to(model.device), model.logit_scale)


def enlist(problem: Problem, settings: MethodSettings, state: State) -> None:
    """Give the state copies of the surrogates that are to learn the clean posts, where the settings ask for them."""
    if settings.adversarial_weight:
        state.adversaries = [surrogate.clone() for surrogate in problem.surrogates]
        state.adversary_optimisers = [
            adamw(model.module, tuning_rate(model.spec.config), settings.weight_decay) for model in state.adversaries
        ]


def learn(problem: Problem, settings: MethodSettings, state: State) -> Iterator[None]:
    """Train the copies on the clean posts as a victim would be, before there is any noise; every step is an item."""
    without = torch.zeros(len(problem.posts), 0, dtype=torch.long)
    learners = list(zip(state.adversaries, state.adversary_optimisers, strict=True))
    while learners and state.learnt < settings.adversary_steps:
        steps.train_step(problem, settings, state, learners, without)
        state.learnt += 1
        yield


def adversaries(problem: Problem, settings: MethodSettings, state: State) -> list[Adversary]:
    """What the trained copies shall see; nothing where all captions are of one group.

    Groups are found by the first of them and are those of all, so that all pull a photo the same way.
    """
    steps.freeze(state.adversaries)
    features = [_texts(problem, settings, model) for model in state.adversaries]
    count = min(max(FEWEST, len(problem.posts) // PHOTOS_A_GROUP), MOST)
    if not features:
        return []
    labels = group(features[0], count, torch.Generator().manual_seed(problem.seed))
    if int(labels.max()) == 0:
        return []
    wanted = elsewhere(centres_of(features[0], labels))[labels]
    return [
        Adversary(model, centres_of(texts, labels).to(model.device), wanted, settings.adversarial_weight)
        for model, texts in zip(state.adversaries, features, strict=True)
    ]


@torch.no_grad()
def _texts(problem: Problem, settings: MethodSettings, model: DualEncoder) -> Tensor:
    """(n, d) features of the first caption of each photo, without a trigger."""
    parts = []
    for photos in in_order(len(problem.posts), settings.batch_size):
        slots = [problem.posts.slots[n][0] for n in photos]
        tokens, _ = tokens_of(slots, torch.zeros(len(slots), 0, dtype=torch.long))
        parts.append(model.encode_text(tokens.to(model.device)).cpu())
    return torch.cat(parts)
