"""Measure the loss of every post, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import torch
from torch import Tensor

from unlearnable.config import Precision
from unlearnable.methods.base import AnySession
from unlearnable.methods.batches import check_finite, in_order, post_losses, settle
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CaptionSlot
from unlearnable.optim.view import PLAIN_VIEW, apply_noise, load_view
from unlearnable.posts.pixels import tokens_of
from unlearnable.training.distributed import ALONE, World


def measuring(session: AnySession) -> Generator[None, None, Tensor]:
    """Measure the loss of every post with its noise and trigger, loaded plainly, mean over the surrogates.

    Resumes after the posts of the round that were measured before; yields after every batch.

    Returns:
        (n,) losses.
    """
    posts, state, settings = session.problem.posts, session.state, session.settings
    settle(state.models, settings.precision)

    def pixels(photo: int) -> Tensor:
        return apply_noise(posts.pixels[photo], state.noise.read(photo), settings.enlarge)

    for photos in in_order(len(posts), settings.batch_size):
        if photos.start < len(state.place.losses):
            continue
        slots = [posts.slots[n][0] for n in photos]
        spelt, world = session.problem.vocabulary.spell(slots, state.triggers[list(photos)]), session.problem.world
        each = [
            batch_losses(model, pixels, slots, photos, settings.precision, triggers=spelt, world=world)[0]
            for model in state.models
        ]
        for model, losses in zip(state.models, each, strict=True):
            check_finite([losses], "loss", model.name, state.round + 1)
        state.place.losses += torch.stack(each).mean(dim=0).tolist()
        yield
    measured, state.place.losses = state.place.losses, []
    return torch.tensor(measured)


def batch_losses(
    model: DualEncoder,
    pixels: Callable[[int], Tensor],
    slots: Sequence[CaptionSlot],
    photos: Sequence[int],
    precision: Precision,
    *,
    triggers: Sequence[Sequence[int]] | None = None,
    world: World = ALONE,
) -> tuple[Tensor, Tensor]:
    """Return (b,) the loss of every post of a batch among the others, loaded plainly, with its first caption.

    It is returned twice, as by `post_losses`: without equal captions among the others, and with them.

    Args:
        model: in evaluation mode.
        pixels: gives the (3, h, w) pixels 0-255 of a photo.
        slots: the first caption of each photo of the batch.
        photos: the batch.
        precision: number format of the towers.
        triggers: tokens of their triggers; None without.
        world: processes that share the batch.
    """
    own = [photos[row] for row in world.share(len(photos))]
    loaded = torch.stack([load_view(pixels(n), model.image_size, PLAIN_VIEW) for n in own])
    tokens, _ = tokens_of(slots, triggers)
    apart, among_all = post_losses(model, loaded, tokens, precision, world=world)
    return apart.cpu(), among_all.cpu()
