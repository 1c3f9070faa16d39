"""The adversarial part of MEM's noise: surrogates that have learnt the clean posts, and what they are to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnable.config import MEMSettings
from unlearnable.methods import steps
from unlearnable.methods.base import MEMSession
from unlearnable.methods.batches import freeze, in_order
from unlearnable.methods.problem import Problem
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
        centres: (g, d) the mean features of each group of captions.
        wanted: (n,) the group that the model is to see in each photo.
        weight: the weight of this loss beside the surrogates'.
    """

    model: DualEncoder
    centres: Tensor
    wanted: Tensor
    weight: float

    def loss(self, pixels: Tensor, photos: Sequence[int]) -> Tensor:
        """Return the loss of photos as they are loaded (b, 3, s, s)."""
        model, wanted = self.model, self.wanted[list(photos)]
        features = model.encode_image(pixels.to(model.device))
        return self.weight * pull(features, self.centres, wanted.to(model.device), model.logit_scale)


def recruit(problem: Problem, settings: MEMSettings) -> tuple[list[DualEncoder], list[torch.optim.Optimizer]]:
    """Return copies of the surrogates that are to learn the clean posts, and their optimisers; none at weight 0."""
    if not settings.adversarial_weight:
        return [], []
    models = [surrogate.clone() for surrogate in problem.surrogates]
    return models, [adamw(each.module, tuning_rate(each.spec.config), settings.weight_decay) for each in models]


def learn(
    session: MEMSession, models: Sequence[DualEncoder], optimisers: Sequence[torch.optim.Optimizer], done: int
) -> Iterator[int]:
    """Train the copies on the clean posts as a victim would be, before there is any noise; yield the steps done."""
    without = torch.zeros(len(session.problem.posts), 0, dtype=torch.long)
    learners = list(zip(models, optimisers, strict=True))
    while learners and done < session.settings.adversary_steps:
        steps.train_step(session, learners, without)
        done += 1
        yield done


def adversaries(session: MEMSession, models: Sequence[DualEncoder]) -> list[Adversary]:
    """Return what the trained copies are to see; nothing where all captions are of one group.

    Groups are found by the first of them and are those of all, so that all pull a photo the same way.
    """
    freeze(models)
    features = [_texts(session, model) for model in models]
    count = min(max(FEWEST, len(session.problem.posts) // PHOTOS_A_GROUP), MOST)
    if not features:
        return []
    labels = group(features[0], count, torch.Generator().manual_seed(session.problem.seed))
    if int(labels.max()) == 0:
        return []
    wanted = elsewhere(centres_of(features[0], labels))[labels]
    weight = session.settings.adversarial_weight
    return [
        Adversary(model, centres_of(texts, labels).to(model.device), wanted, weight)
        for model, texts in zip(models, features, strict=True)
    ]


@torch.no_grad()
def _texts(session: MEMSession, model: DualEncoder) -> Tensor:
    """Return (n, d) features of the first caption of each photo, without a trigger."""
    posts, parts = session.problem.posts, []
    for photos in in_order(len(posts), session.settings.batch_size):
        slots = [posts.slots[n][0] for n in photos]
        tokens, _ = tokens_of(slots, torch.zeros(len(slots), 0, dtype=torch.long))
        parts.append(model.encode_text(tokens.to(model.device)).cpu())
    return torch.cat(parts)
