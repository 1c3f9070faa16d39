"""The adversarial part of MEM's noise: models that have learnt the clean posts, and what they are to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from unlearnable.config import MEMSettings, Precision
from unlearnable.methods import steps
from unlearnable.methods.base import MEMSession
from unlearnable.methods.batches import in_order, settle
from unlearnable.methods.likeness import alike
from unlearnable.methods.problem import Problem
from unlearnable.models.bundled import tuning_rate
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import encode_photos, encode_texts
from unlearnable.optim.adversarial import centres_of, departure, displacement, elsewhere
from unlearnable.optim.view import PLAIN_VIEW, load_view
from unlearnable.posts.names import posts_of_one
from unlearnable.posts.pixels import tokens_of
from unlearnable.training.loop import adamw, rate, set_rate

EPOCHS = 16  # that adversaries learn at most: a few posts are known by heart then


@dataclass(frozen=True)
class Adversary:
    """A model that has learnt the clean posts.

    Attributes:
        model: in evaluation mode.
        precision: number format of its gradients.
        shift: (n, d) the direction that each photo's features are to move against.
    """

    model: DualEncoder
    precision: Precision
    shift: Tensor

    def loss(self, pixels: Tensor, photos: Sequence[int]) -> Tensor:
        """Return the loss of photos as they are loaded (b, 3, s, s): the mean logit of what they are not to show."""
        features = encode_photos(self.model, pixels, self.precision)
        shift = self.shift[list(photos)].to(features)
        return self.model.logit_scale * (features * shift).sum(dim=1).mean()


def recruit(problem: Problem, settings: MEMSettings) -> tuple[list[DualEncoder], list[torch.optim.Optimizer]]:
    """Return copies of the models that are to learn the clean posts, and their optimisers; none without a lesson."""
    if not lessons(len(problem.posts), settings):
        return [], []
    models = [model.clone() for model in problem.models]
    return models, [adamw(each.module, tuning_rate(each.spec.config), settings.weight_decay) for each in models]


def lessons(posts: int, settings: MEMSettings) -> int:
    """Return how many steps adversaries learn so many posts; none at weight 0, nor of one post, which has no other."""
    if not settings.adversarial_weight or posts < 2:
        return 0
    return min(settings.adversary_steps, EPOCHS * -(-posts // settings.batch_size))


def learn(
    session: MEMSession, models: Sequence[DualEncoder], optimisers: Sequence[torch.optim.Optimizer], done: int
) -> Iterator[int]:
    """Train the copies on the clean posts as a victim would be, before there is any noise; yield the steps done.

    The rate rises and falls as a victim's does: noise that misleads weights which a constant rate left far from where
    they would settle misleads hardly any others.
    """
    count = len(session.problem.posts)
    without, total = torch.zeros(count, 0, dtype=torch.long), lessons(count, session.settings)
    while models and done < total:
        learners = list(zip(models, optimisers, strict=True))
        for model, optimiser in learners:
            set_rate(optimiser, rate(done, total, tuning_rate(model.spec.config)))
        steps.train_step(session, learners, without)
        done += 1
        yield done


def adversaries(session: MEMSession, models: Sequence[DualEncoder]) -> list[Adversary]:
    """Return what the trained copies are to see; nothing where all posts are of one group.

    Posts of the same people or things are a group, which all of the models see as the same other groups: only photos
    that move together teach a name the wrong look. Where most of all posts name one person, these are to show
    nobody else, and nothing of what they have in common.
    """
    settle(models, session.settings.precision, damp=True)
    features = [_features(session, model) for model in models]
    if not features:
        return []
    labels = alike(session.problem.captions, features[0][0])
    if int(labels.max()) == 0:
        return []
    photos = F.normalize(torch.cat([images for images, _ in features], dim=1), dim=1)
    wanted = elsewhere(centres_of(photos, labels))
    one, precision = posts_of_one(session.problem.captions), session.settings.precision
    return [
        Adversary(model, precision, _shift(images, texts, labels, wanted, one))
        for model, (images, texts) in zip(models, features, strict=True)
    ]


def _shift(images: Tensor, texts: Tensor, labels: Tensor, wanted: Tensor, one: Sequence[int]) -> Tensor:
    shift = displacement(images, texts, labels, wanted)
    if one:
        shift[one] = departure(images[one], texts[one])
    return shift


@torch.no_grad()
def _features(session: MEMSession, model: DualEncoder) -> tuple[Tensor, Tensor]:
    """Return (n, d) features of the clean photos, loaded plainly, and of their first captions without a trigger."""
    posts, world, precision = session.problem.posts, session.problem.world, session.settings.precision
    images, texts = [], []
    for photos in in_order(len(posts), session.settings.batch_size):
        slots = [posts.slots[n][0] for n in photos]
        tokens, _ = tokens_of(slots)
        own = [photos[row] for row in world.share(len(photos))]
        pixels = torch.stack([load_view(posts.pixels[n], model.image_size, PLAIN_VIEW) for n in own])
        images.append(world.gather(encode_photos(model, pixels, precision))[: len(photos)].cpu())
        texts.append(encode_texts(model, tokens, precision).cpu())
    return torch.cat(images), torch.cat(texts)
