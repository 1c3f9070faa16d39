"""Measure the loss of every post, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from unlearnable.config import MethodSettings
from unlearnable.methods.base import Problem, State
from unlearnable.methods.steps import batch_loss, check_finite, freeze
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CaptionSlot
from unlearnable.optim.view import PLAIN_VIEW, apply_noise, load_view
from unlearnable.posts.pixels import tokens_of


def measuring(problem: Problem, settings: MethodSettings, state: State) -> Generator[None, None, Tensor]:
    """Measure the loss of every post with its noise and trigger, loaded plainly, mean over the surrogates.

    Goes on after those posts of the round that were measured before; every batch is an item.

    Returns:
        (n,) losses.
    """
    freeze(state.models)
    place = state.place

    def pixels(photo: int) -> Tensor:
        return apply_noise(problem.posts.pixels[photo], state.noise.read(photo), settings.enlarge)

    for photos in in_order(len(problem.posts), settings.batch_size):
        if photos.start < len(place.losses):
            continue
        each = [batch_losses(m, pixels, problem.posts.slots, state.triggers, photos) for m in state.models]
        for model, losses_of_batch in zip(state.models, each, strict=True):
            check_finite([losses_of_batch], "loss", model.name, state)
        place.losses += torch.stack(each).mean(dim=0).tolist()
        yield
    losses, place.losses = place.losses, []
    return torch.tensor(losses)


def measure(problem: Problem, settings: MethodSettings, state: State) -> Tensor:
    """The same in one go: (n,) losses."""
    batches = measuring(problem, settings, state)
    while True:
        try:
            next(batches)
        except StopIteration as end:
            losses: Tensor = end.value
            return losses


@torch.no_grad()
def batch_losses(
    model: DualEncoder,
    pixels: Callable[[int], Tensor],
    slots: Sequence[Sequence[CaptionSlot]],
    triggers: Tensor,
    photos: Sequence[int],
    *,
    mask_equal: bool = True,
) -> Tensor:
    """(b,) the loss of every post of a batch among the others, loaded plainly, with the first of its captions.

    Args:
        model: in evaluation mode.
        pixels: gives the (3, h, w) pixels 0-255 of a photo.
        slots: the captions of each photo.
        triggers: (n, k) token ids; k may be 0.
        photos: the batch.
        mask_equal: see `batch_loss`.
    """
    loaded = torch.stack([load_view(pixels(n), model.image_size, PLAIN_VIEW) for n in photos])
    tokens, _ = tokens_of([slots[n][0] for n in photos], triggers[list(photos)])
    return batch_loss(model, loaded, tokens, None, mask_equal=mask_equal, reduction="none").cpu()


def in_order(count: int, size: int) -> Iterator[range]:
    """The photos 0 .. count - 1 in batches of about equal size, none larger than `size`."""
    parts = max(1, -(-count // size))
    edges = [count * n // parts for n in range(parts + 1)]
    return (range(a, b) for a, b in pairwise(edges))
