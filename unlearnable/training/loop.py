"""The one training loop, as a generator of steps: surrogates and victims, from scratch or fine-tuned.

All randomness is a function of seed, epoch and step, so a run that goes on from a step needs
nothing but the weights and the optimiser to give the same numbers, and two processes draw
the same batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from unlearnable.config import Recipe
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.optim.contrastive import contrastive_loss
from unlearnable.optim.view import load_view, sample_view
from unlearnable.posts.pairs import Pairs
from unlearnable.training.distributed import World
from unlearnable.training.optimiser import clamp_scale

VICTIM_KERNELS = ("bicubic",)


@dataclass(frozen=True)
class Step:
    """One step done: its number from 1, its epoch from 1, whether that is over, the loss and the rate."""

    number: int
    epoch: int
    ends_epoch: bool
    loss: float
    rate: float


def steps_an_epoch(pairs: Pairs, recipe: Recipe) -> int:
    """Batches of about equal size, none larger than `recipe.batch_size`."""
    shown = len(pairs.photos.unique()) if recipe.one_caption else len(pairs)
    return max(1, -(-shown // recipe.batch_size))


def rate(step: int, total: int, recipe: Recipe) -> float:
    """The learning rate of a step, counted from 0: a line up, then a cosine down to zero."""
    warmup = round(recipe.warmup * total)
    if step < warmup:
        return recipe.lr * (step + 1) / warmup
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


class _Towers(nn.Module):
    """Both towers in one `forward`, which is what a wrapper for several processes needs."""

    def __init__(self, model: DualEncoder) -> None:
        super().__init__()
        self._model = model
        self.module = model.module

    def forward(self, pixels: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        model = self._model
        return model.encode_image(pixels), model.encode_text(tokens), model.logit_scale


def train(
    model: DualEncoder,
    optimiser: torch.optim.Optimizer,
    pairs: Pairs,
    recipe: Recipe,
    *,
    done: int = 0,
    world: World | None = None,
) -> Iterator[Step]:
    """Train a model in place with the symmetric contrastive loss (Eq. 2), one step an item.

    Args:
        model: trained in place, in training mode at every step.
        optimiser: of its parameters.
        pairs: what it is trained on; every caption is a pair of its own.
        recipe: how; `recipe.epochs` passes over the pairs in all.
        done: steps that were done before; weights and optimiser must be those of then.
        world: the processes that share each batch.
    """
    world = world or World()
    count = steps_an_epoch(pairs, recipe)
    total = count * recipe.epochs
    towers = world.wrap(_Towers(model))
    for number in range(done, total):
        epoch, place = divmod(number, count)
        rows = _order(pairs, recipe, epoch).tensor_split(count)[place]
        now = rate(number, total, recipe)
        for group in optimiser.param_groups:
            group["lr"] = now
        loss = _step(model, towers, optimiser, pairs, rows, recipe, number, world)
        yield Step(number + 1, epoch + 1, place == count - 1, loss, now)


def _order(pairs: Pairs, recipe: Recipe, epoch: int) -> Tensor:
    """The pairs of an epoch in random order: all of them, or the first one of each photo."""
    order = torch.randperm(len(pairs), generator=_generator(recipe.seed, 0, epoch))
    if not recipe.one_caption:
        return order
    _, first = np.unique(pairs.photos[order].numpy(), return_index=True)
    return order[np.sort(first)]


def _step(
    model: DualEncoder,
    towers: nn.Module,
    optimiser: torch.optim.Optimizer,
    pairs: Pairs,
    rows: Tensor,
    recipe: Recipe,
    number: int,
    world: World,
) -> float:
    draws = _generator(recipe.seed, 1, number)
    views = [sample_view(draws, recipe.smallest_crop, VICTIM_KERNELS) for _ in rows]
    mine = world.share(len(rows))
    photos, tokens = pairs.photos[rows[mine]].tolist(), model.trim(pairs.tokens[rows[mine]])
    pixels = torch.stack(
        [load_view(pairs.pixels[photo], model.image_size, views[n]) for n, photo in zip(mine, photos, strict=True)]
    )
    model.module.train()
    with torch.random.fork_rng(), torch.autocast(model.device.type, torch.bfloat16, enabled=_bf16(model, recipe)):
        torch.manual_seed(_number(recipe.seed, 2, number))  # of dropout
        images, texts, scale = towers(pixels.to(model.device), tokens.to(model.device))
    images, texts = (world.gather(features.float())[: len(rows)] for features in (images, texts))
    loss = contrastive_loss(images, texts, scale.float())
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    clamp_scale(model.module)
    return loss.item()


def _bf16(model: DualEncoder, recipe: Recipe) -> bool:
    """Whether to compute in bf16; on a CPU it is faster for some towers and much slower for others."""
    if recipe.precision == "auto":
        return model.device.type == "cuda" and torch.cuda.is_bf16_supported()
    return recipe.precision == "bf16"


def _number(seed: int, stream: int, index: int) -> int:
    """One seed for each use: streams 0 order, 1 views, 2 dropout."""
    return ((seed * 1_000_003 + stream) * 10_000_019 + index) % 2**63  # what torch takes


def _generator(seed: int, stream: int, index: int) -> torch.Generator:
    return torch.Generator().manual_seed(_number(seed, stream, index))
